/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/list-follow.h"

#include <stdio.h>

#include "ctl/changes.h"
#include "ctl/info.h"
#include "ctl/json-order.h"

typedef struct {
    Ctl *ctl;
    const char *project;
    char *line; /* printed last */
    gboolean done;
    GError *error;
} ListFollow;

static char *line_of(const ListFollow *follow, JsonNode *list)
{
    g_autoptr(GPtrArray) runs = run_info_list_from_json(list, follow->project);
    const char *agent = follow->ctl->agent;
    for (guint i = runs->len; agent && i > 0; i--)
        if (!g_str_equal(((RunInfo *)runs->pdata[i - 1])->agent, agent))
            g_ptr_array_remove_index(runs, i - 1);
    g_autoptr(JsonNode) node = run_info_list_to_json(runs);
    g_autoptr(JsonNode) ordered = json_in_order(node);
    return json_to_string(ordered, FALSE);
}

/* A service that is away is restarting: its runs go on. */
static void on_list(JsonNode *list, gpointer data)
{
    ListFollow *follow = data;
    g_autofree char *line = list ? line_of(follow, list) : NULL;
    if (!line || g_strcmp0(line, follow->line) == 0)
        return;
    puts(line);
    follow->done = !ctl_flush_output(&follow->error);
    g_free(follow->line);
    follow->line = g_steal_pointer(&line);
}

int list_follow(Ctl *ctl, const char *project, GError **error)
{
    ListFollow follow = {.ctl = ctl, .project = project};
    /* The first look starts the service, and fails like any command's. */
    g_autoptr(JsonNode) list = bus_call_json(ctl->bus, "List", error, NULL);
    if (!list)
        return -1;
    on_list(list, &follow);
    g_autoptr(Changes) changes = changes_new(ctl, CHANGES_OF_ALL, on_list, &follow, error);
    if (!changes)
        return -1;
    ctl_end_with_reader(ctl);
    gboolean ok = ctl_run_event(ctl, &follow.done, error);
    g_free(follow.line);
    if (!ok)
        g_clear_error(&follow.error);
    else if (follow.error)
        g_propagate_error(error, follow.error);
    return -1;
}
