/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "ctl/followed.h"
#include "ctl/message-json.h"
#include "ctl/terminal-signals.h"
#include "ctl/verb.h"
#include "ctl/verbs/top-hosts.h"
#include "ctl/verbs/top-json.h"
#include "ctl/verbs/top-table.h"

/*
 * The live table of this machine: looks at the runs once a second, and at the keyboard.
 */

static gboolean arg_everywhere;

typedef struct {
    TopTable table; /* the first member: what its handlers get is this */
    Ctl *ctl;
    sd_event_source *keyboard, *timer;
    TerminalSignals signals;
    sd_bus_slot *look;
} Top;

static void announce_all(Top *top)
{
    for (guint i = 0; i < top->table.model.runs->len; i++) {
        const TopRun *run = top->table.model.runs->pdata[i];
        followed_announce(top->ctl, run->info->run_id);
    }
}

static void on_listed(sd_bus_message *reply, const GError *error, gpointer data)
{
    Top *top = data;
    g_autoptr(JsonNode) list = reply ? message_read_json(reply) : NULL;
    top->look = sd_bus_slot_unref(top->look);
    top->table.away = list == NULL;
    if (list) {
        top_model_update(&top->table.model, list);
        announce_all(top);
    }
    top_table_draw(&top->table);
}

static void look(TopTable *table)
{
    Top *top = (Top *)table;
    if (!top->look)
        (void)bus_call_async(top->ctl->bus, "List", on_listed, top, &top->look, NULL, NULL);
}

static int on_timer(sd_event_source *source, guint64 usec, void *userdata)
{
    look(userdata);
    (void)sd_event_source_set_time_relative(source, TOP_LOOK_USEC);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

static int on_resized(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    top_table_draw(userdata);
    return 0;
}

static int on_killed(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    ((TopTable *)userdata)->done = TRUE;
    return 0;
}

static int on_key(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    top_table_read_keys(userdata);
    return 0;
}

static void on_called(sd_bus_message *reply, const GError *error, gpointer data)
{
    top_table_called(data, error ? error->message : NULL);
}

static gboolean answer(Top *top, const TopDeed *deed, GError **error)
{
    g_autoptr(sd_bus_message) message =
        open_question_answer(top->ctl->bus, deed->question, deed->option, NULL, NULL, error);
    return message && bus_send_async(top->ctl->bus, message, on_called, top, NULL, error);
}

static gboolean act(TopTable *table, const TopDeed *deed, GError **error)
{
    static const char *const methods[] = {
        [TOP_STOP] = "Stop",
        [TOP_FREEZE] = "Freeze",
        [TOP_THAW] = "Thaw",
    };
    Top *top = (Top *)table;
    const RunInfo *info = deed->run->info;
    if (deed->action == TOP_ANSWER)
        return answer(top, deed, error);
    return bus_call_async(top->ctl->bus, methods[deed->action], on_called, top, NULL, error, "sss",
                          info->project, info->story, info->agent);
}

static gboolean top_run(Top *top, GError **error)
{
    sd_event *event = top->ctl->event;
    terminal_signals_listen(&top->signals, event, on_resized, on_killed, top);
    if (!top_table_open(&top->table, error))
        return FALSE;
    (void)sd_event_add_io(event, &top->keyboard, STDIN_FILENO, EPOLLIN, on_key, top);
    (void)sd_event_add_time_relative(event, &top->timer, CLOCK_MONOTONIC, 0, 0, on_timer, top);
    gboolean ok = ctl_run_event(top->ctl, &top->table.done, error);
    top_table_close(&top->table);
    return ok;
}

static void top_clear(Top *top)
{
    sd_event_source_disable_unref(top->keyboard);
    sd_event_source_disable_unref(top->timer);
    terminal_signals_clear(&top->signals);
    sd_bus_slot_unref(top->look);
    top_table_clear(&top->table);
}

static int top_verb_run(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    static const TopHandler handler = {.act = act, .look = look};
    const char *project = arg_everywhere ? NULL : ctl->project;
    Top top = {.ctl = ctl};
    if (!ctl->json && !top_table_check_terminal(error))
        return -1;
    /* The first look fails like any command's; later ones wait for the service to come back. */
    g_autoptr(JsonNode) list = bus_call_json(ctl->bus, "List", error, NULL);
    if (!list || !ctl_attach_event(ctl, error))
        return -1;
    if (ctl->json)
        return top_print_json(ctl, project, list, error);
    top_table_init(&top.table, ctl, project, &handler);
    top_model_update(&top.table.model, list);
    gboolean ok = top_run(&top, error);
    top_clear(&top);
    return ok ? 0 : -1;
}

static int run_on_hosts(Ctl *ctl, char **arguments, GError **error)
{
    return top_on_hosts(ctl, arg_everywhere, error);
}

static const GOptionEntry options[] = {
    {"everywhere", 'e', 0, G_OPTION_ARG_NONE, &arg_everywhere, "Show the runs of every project",
     NULL},
    {NULL},
};

const Verb top_verb = {
    .name = "top",
    .synopsis = "",
    .summary = "Show a live table, with keys to act on runs",
    .options = options,
    .run = top_verb_run,
    .run_on_hosts = run_on_hosts,
};
