/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/** The live table of all hosts of @ctl; of every project on them with @everywhere. Returns the exit
 *  status, or -1 with @error set. */
int top_on_hosts(Ctl *ctl, gboolean everywhere, GError **error);
