/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/hosts/ask.h"
#include "ctl/info.h"

/*
 * Runs that are named, over several hosts.
 */

/** The runs that @arguments name among those of all hosts, which are asked. A host that gives no
 *  answer is warned of, and @ret_status gets the exit status that tells. Sets an error as
 *  select_listed() does. Caller: g_ptr_array_unref(). */
GPtrArray *hosts_select(Ctl *ctl, char *const *arguments, int *ret_status, GError **error);

/** The ids of those of @runs (of RunInfo) that are on @host. Caller: g_ptr_array_unref(). */
GPtrArray *hosts_ids_on(GPtrArray *runs, const char *host);

/** "unreachable since 12:03:07: REASON; trying again", for a host that is away. Caller frees. */
char *hosts_away_text(const char *said);

/** "back; it was unreachable for 3min 12s". Caller frees. */
char *hosts_back_text(gint64 since);
