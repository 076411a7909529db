/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/follow.h"

#include "ctl/format.h"
#include "ctl/select.h"

GPtrArray *hosts_select(Ctl *ctl, char *const *arguments, int *ret_status, GError **error)
{
    if (!select_check_named(ctl, arguments, SELECT_ALL_AGENTS, error))
        return NULL;
    g_autoptr(GPtrArray) answers = hosts_ask(ctl, "list", NULL);
    g_autoptr(GPtrArray) listed = hosts_runs(answers);
    hosts_warn(answers);
    *ret_status = hosts_status(answers);
    return select_listed(ctl, listed, arguments, SELECT_ALL_AGENTS, error);
}

GPtrArray *hosts_ids_on(GPtrArray *runs, const char *host)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < runs->len; i++) {
        const RunInfo *info = runs->pdata[i];
        if (g_strcmp0(run_info_string(info, "host"), host) == 0)
            g_ptr_array_add(ids, g_strdup(info->run_id));
    }
    return ids;
}

char *hosts_away_text(const char *said)
{
    g_autofree char *clock = format_clock((guint64)g_get_real_time());
    return g_strdup_printf("unreachable since %s%s%s; trying again", clock, *said ? ": " : "",
                           said);
}

char *hosts_back_text(gint64 since)
{
    g_autofree char *span = format_span((guint64)(g_get_real_time() - since));
    return g_strdup_printf("back; it was unreachable for %s", span);
}
