/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/** How often top looks at the runs. */
#define TOP_LOOK_USEC (G_TIME_SPAN_SECOND)

/** Prints the table of the runs of @project (NULL: all) as a line of JSON, @list being the first
 *  reply of `List`, and another whenever it has changed, until nobody reads. Returns -1 with @error
 *  set. */
int top_print_json(Ctl *ctl, const char *project, JsonNode *list, GError **error);
