/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/top-json.h"

#include <stdio.h>

#include "ctl/json-order.h"
#include "ctl/message-json.h"
#include "ctl/verbs/top-model.h"

/*
 * The live table for programs, such as the top of another machine.
 */

typedef struct {
    Ctl *ctl;
    TopModel model;
    sd_event_source *timer;
    sd_bus_slot *look;
    char *line; /* printed last */
    gboolean done;
    GError *error;
} Printing;

static void print(Printing *printing)
{
    g_autoptr(JsonNode) node = top_model_to_json(&printing->model);
    g_autoptr(JsonNode) ordered = json_in_order(node);
    g_autofree char *line = json_to_string(ordered, FALSE);
    if (g_strcmp0(line, printing->line) == 0)
        return;
    puts(line);
    printing->done = !ctl_flush_output(&printing->error);
    g_free(printing->line);
    printing->line = g_steal_pointer(&line);
}

/* A service that is away is restarting: its runs go on. */
static void on_listed(sd_bus_message *reply, const GError *error, gpointer data)
{
    Printing *printing = data;
    g_autoptr(JsonNode) list = reply ? message_read_json(reply) : NULL;
    printing->look = sd_bus_slot_unref(printing->look);
    if (!list)
        return;
    top_model_update(&printing->model, list);
    print(printing);
}

static int on_timer(sd_event_source *source, guint64 usec, void *userdata)
{
    Printing *printing = userdata;
    if (!printing->look)
        (void)bus_call_async(printing->ctl->bus, "List", on_listed, printing, &printing->look, NULL,
                             NULL);
    (void)sd_event_source_set_time_relative(source, TOP_LOOK_USEC);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

int top_print_json(Ctl *ctl, const char *project, JsonNode *list, GError **error)
{
    Printing printing = {.ctl = ctl};
    top_model_init(&printing.model, ctl, project);
    top_model_update(&printing.model, list);
    print(&printing);
    ctl_end_with_reader(ctl);
    (void)sd_event_add_time_relative(ctl->event, &printing.timer, CLOCK_MONOTONIC, TOP_LOOK_USEC, 0,
                                     on_timer, &printing);
    gboolean ok = ctl_run_event(ctl, &printing.done, error);
    sd_event_source_disable_unref(printing.timer);
    sd_bus_slot_unref(printing.look);
    top_model_clear(&printing.model);
    g_free(printing.line);
    if (ok)
        g_propagate_error(error, printing.error);
    else
        g_clear_error(&printing.error);
    return -1;
}
