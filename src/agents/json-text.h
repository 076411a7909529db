/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Appends @text as a JSON string, quotes included. */
void json_append_string(GString *json, const char *text);
