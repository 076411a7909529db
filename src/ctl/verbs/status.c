/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "ctl/changes.h"
#include "ctl/info.h"
#include "ctl/json-order.h"
#include "ctl/verb.h"

/*
 * One line of JSON on all runs, and another when it changes: for the bars of desktops.
 */

static gboolean arg_follow;

typedef struct {
    Ctl *ctl;
    char *line; /* printed last */
    gboolean done;
    GError *error;
} Status;

typedef struct {
    guint running, waiting, queued, failed;
    GString *tooltip;
} Counts;

static void count(Counts *counts, const RunInfo *info)
{
    gboolean waits = run_info_string(info, "waiting") || run_info_string(info, "unfinished_line");
    counts->running += run_info_is_running(info);
    counts->waiting += run_info_is_running(info) && waits;
    counts->queued += run_info_is_pending(info);
    counts->failed += g_str_equal(info->status, "failed");
    if (run_info_is_live(info) || g_str_equal(info->status, "failed"))
        g_string_append_printf(counts->tooltip, "%s%s/%s %s", counts->tooltip->len > 0 ? "\n" : "",
                               info->story, info->agent,
                               waits ? "waiting" : run_info_status_word(info));
}

static const char *class_of(const Counts *counts)
{
    if (counts->waiting > 0)
        return "waiting";
    if (counts->running > 0 || counts->queued > 0)
        return "running";
    return counts->failed > 0 ? "failed" : "idle";
}

/* @infos NULL: no service, and so no run. */
static char *line_of(Ctl *ctl, GPtrArray *infos)
{
    Counts counts = {.tooltip = g_string_new(NULL)};
    g_autoptr(JsonObject) object = json_object_new();
    for (guint i = 0; infos && i < infos->len; i++) {
        const RunInfo *info = infos->pdata[i];
        if (!ctl->agent || g_str_equal(info->agent, ctl->agent))
            count(&counts, info);
    }
    g_autofree char *text = g_strdup_printf("%u", counts.running);
    json_object_set_string_member(object, "text", text);
    json_object_set_string_member(object, "tooltip", counts.tooltip->str);
    json_object_set_string_member(object, "class", class_of(&counts));
    json_object_set_int_member(object, "running", counts.running);
    json_object_set_int_member(object, "waiting", counts.waiting);
    json_object_set_int_member(object, "queued", counts.queued);
    json_object_set_int_member(object, "failed", counts.failed);
    g_string_free(counts.tooltip, TRUE);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
    g_autoptr(JsonNode) ordered = json_in_order(node);
    return json_to_string(ordered, FALSE);
}

static void print_list(JsonNode *list, gpointer data)
{
    Status *status = data;
    g_autoptr(GPtrArray) infos = list ? run_info_list_from_json(list, status->ctl->project) : NULL;
    g_autofree char *line = line_of(status->ctl, infos);
    if (g_strcmp0(line, status->line) == 0)
        return;
    puts(line);
    if (!ctl_flush_output(&status->error))
        status->done = TRUE;
    g_free(status->line);
    status->line = g_steal_pointer(&line);
}

static int follow(Ctl *ctl, GError **error)
{
    Status status = {.ctl = ctl};
    g_autoptr(Changes) changes = changes_new(ctl, CHANGES_OF_STATE, print_list, &status, error);
    if (!changes)
        return -1;
    ctl_end_with_reader(ctl);
    gboolean ok = ctl_run_event(ctl, &status.done, error);
    g_free(status.line);
    if (!ok)
        g_clear_error(&status.error);
    else if (status.error)
        g_propagate_error(error, status.error);
    return -1;
}

static int status_verb_run(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    if (arg_follow)
        return follow(ctl, error);
    Status status = {.ctl = ctl};
    g_autoptr(JsonNode) list = bus_ask_quickly(ctl->bus, "List", NULL);
    print_list(list, &status);
    g_free(status.line);
    if (status.error)
        g_propagate_error(error, status.error);
    return status.done ? -1 : 0;
}

static const GOptionEntry options[] = {
    {"follow", 'f', 0, G_OPTION_ARG_NONE, &arg_follow, "Print another line when it changes", NULL},
    {NULL},
};

const Verb status_verb = {
    .name = "status",
    .synopsis = "",
    .summary = "Count the runs, in JSON for a desktop's bar",
    .options = options,
    .run = status_verb_run,
};
