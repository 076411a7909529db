/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** TRUE the first time of a login that it is asked for @name, a file name. */
gboolean told_first(const char *name);
