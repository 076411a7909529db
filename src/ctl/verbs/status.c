/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "ctl/info.h"
#include "ctl/json-order.h"
#include "ctl/message-json.h"
#include "ctl/verb.h"

/*
 * One line of JSON on all runs, and another when it changes: for the bars of desktops.
 */

/* Changes of the line: events other than output, and a service that comes or goes. */
#define EVENT_MATCH(type)                                                                          \
    "type='signal',sender='" STORKIT_BUS_NAME "',interface='" STORKIT_INTERFACE                    \
    "',member='AgentEvent',arg2='" type "'"
#define PROPERTIES_MATCH                                                                           \
    "type='signal',sender='" STORKIT_BUS_NAME "',path='" STORKIT_OBJECT_PATH                       \
    "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'"
#define OWNER_MATCH                                                                                \
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0="                  \
    "'" STORKIT_BUS_NAME "'"

static gboolean arg_follow;

typedef struct {
    Ctl *ctl;
    char *line; /* printed last */
    sd_bus_slot *look;
    gboolean again; /* something has changed since the service was asked */
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

static void print_list(Status *status, JsonNode *list)
{
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

static void look(Status *status);

static void on_listed(sd_bus_message *reply, const GError *error, gpointer data)
{
    Status *status = data;
    g_autoptr(JsonNode) list = reply ? message_read_json(reply) : NULL;
    status->look = sd_bus_slot_unref(status->look);
    print_list(status, list);
    if (status->again)
        look(status);
}

/* Many changes at once are one question. */
static void look(Status *status)
{
    g_autoptr(sd_bus_message) message = NULL;
    status->again = status->look != NULL;
    if (status->look || !(message = bus_message_new(status->ctl->bus, "List", NULL)))
        return;
    sd_bus_message_set_auto_start(message, FALSE);
    (void)bus_send_async(status->ctl->bus, message, on_listed, status, &status->look, NULL);
}

static int on_changed(sd_bus_message *signal, void *userdata, sd_bus_error *unused)
{
    look(userdata);
    return 0;
}

static gboolean listen(Status *status, GError **error)
{
    static const char *const matches[] = {
        EVENT_MATCH("status"), EVENT_MATCH("done"), EVENT_MATCH("error"),
        PROPERTIES_MATCH,      OWNER_MATCH,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(matches); i++) {
        int r = sd_bus_add_match(status->ctl->bus, NULL, matches[i], on_changed, status);
        if (r < 0) {
            g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot listen on the session bus: %s",
                        g_strerror(-r));
            return FALSE;
        }
    }
    return TRUE;
}

static int follow(Ctl *ctl, GError **error)
{
    Status status = {.ctl = ctl};
    if (!listen(&status, error) || !ctl_attach_event(ctl, error))
        return -1;
    look(&status);
    gboolean ok = ctl_run_event(ctl, &status.done, error);
    sd_bus_slot_unref(status.look);
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
    print_list(&status, list);
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
