/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * The list for programs that stay: one line of JSON, and another whenever it has changed, until
 * nobody reads them. Both return -1 with @error set.
 */

/** An array of the runs of @project (NULL: all). */
int list_follow(Ctl *ctl, const char *project, GError **error);

/** An object of each host of @ctl with its `runs`, or the `status` and the `error` of one that is
 *  away. */
int list_follow_hosts(Ctl *ctl, gboolean everywhere, GError **error);
