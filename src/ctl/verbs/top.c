/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "ctl/followed.h"
#include "ctl/message-json.h"
#include "ctl/questions.h"
#include "ctl/terminal-signals.h"
#include "ctl/terminal.h"
#include "ctl/verbs/top-command.h"
#include "ctl/verbs/top-keys.h"
#include "ctl/verbs/top-model.h"
#include "ctl/verbs/top-view.h"
#include "ctl/verb.h"

/*
 * The live table: looks at the runs once a second, and at the keyboard.
 */

#define LOOK_USEC (G_TIME_SPAN_SECOND)
#define CTRL_C 0x03

static gboolean arg_everywhere;

typedef struct {
    Ctl *ctl;
    TopModel model;
    sd_event_source *keyboard, *timer;
    TerminalSignals signals;
    sd_bus_slot *look;
    char *selected; /* a run id, or NULL */
    char *asked;    /* the run id whose stop waits for a "y", or NULL */
    char *question; /* the bottom line while it does */
    char *message;  /* the bottom line otherwise, or NULL */
    guint n_calls;  /* on their way */
    TopScroll scroll;
    gboolean away, help, done;
} Top;

static int selected_index(const Top *top)
{
    int index = top->selected ? top_model_find(&top->model, top->selected) : -1;
    return MAX(index, 0);
}

static const TopRun *selected_run(const Top *top)
{
    return top->model.runs->len > 0 ? top->model.runs->pdata[selected_index(top)] : NULL;
}

static void select_index(Top *top, int index)
{
    int n = (int)top->model.runs->len;
    if (n == 0)
        return;
    const TopRun *run = top->model.runs->pdata[CLAMP(index, 0, n - 1)];
    g_free(top->selected);
    top->selected = g_strdup(run->info->run_id);
}

static void draw(Top *top)
{
    if (top->help)
        top_view_draw_help();
    else
        top_view_draw(&top->model, &top->scroll, selected_index(top),
                      top->asked ? top->question : top->message, top->away);
}

static void say(Top *top, char *message)
{
    g_free(top->message);
    top->message = message;
    draw(top);
}

static void announce_all(Top *top)
{
    for (guint i = 0; i < top->model.runs->len; i++) {
        const TopRun *run = top->model.runs->pdata[i];
        followed_announce(top->ctl, run->info->run_id);
    }
}

static void on_listed(sd_bus_message *reply, const GError *error, gpointer data)
{
    Top *top = data;
    g_autoptr(JsonNode) list = reply ? message_read_json(reply) : NULL;
    top->look = sd_bus_slot_unref(top->look);
    top->away = list == NULL;
    if (list) {
        top_model_update(&top->model, list);
        announce_all(top);
    }
    if (!top->selected)
        select_index(top, 0);
    draw(top);
}

static void look(Top *top)
{
    if (!top->look)
        (void)bus_call_async(top->ctl->bus, "List", on_listed, top, &top->look, NULL, NULL);
}

static int on_timer(sd_event_source *source, guint64 usec, void *userdata)
{
    look(userdata);
    (void)sd_event_source_set_time_relative(source, LOOK_USEC);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

static int on_resized(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    draw(userdata);
    return 0;
}

static int on_killed(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    ((Top *)userdata)->done = TRUE;
    return 0;
}

static void on_called(sd_bus_message *reply, const GError *error, gpointer data)
{
    Top *top = data;
    top->n_calls--;
    say(top, error ? g_strdup(error->message) : NULL);
    look(top);
}

static void call(Top *top, const char *method, const RunInfo *info)
{
    top->n_calls += bus_call_async(top->ctl->bus, method, on_called, top, NULL, NULL, "sss",
                                   info->project, info->story, info->agent);
}

static void ask_to_stop(Top *top)
{
    const TopRun *run = selected_run(top);
    if (!run)
        return;
    const RunInfo *info = run->info;
    const char *label = top_model_label(&top->model, info->project);
    g_free(top->asked);
    top->asked = g_strdup(info->run_id);
    g_free(top->question);
    top->question = g_strdup_printf("Stop %s/%s%s%s? y/n", info->story, info->agent,
                                    label ? " of " : "", label ?: "");
}

static void answer(Top *top, char key)
{
    g_autofree char *asked = g_steal_pointer(&top->asked);
    int index = top_model_find(&top->model, asked);
    if ((key != 'y' && key != 'Y') || index < 0)
        return;
    const RunInfo *info = ((TopRun *)top->model.runs->pdata[index])->info;
    say(top, g_strdup_printf("stopping %s/%s", info->story, info->agent));
    call(top, "Stop", info);
}

static void freeze_or_thaw(Top *top)
{
    const TopRun *run = selected_run(top);
    if (run)
        call(top, run_info_flag(run->info, "frozen") ? "Thaw" : "Freeze", run->info);
}

/* Answers what the selected run asked first. */
static void answer_question(Top *top, const char *option)
{
    const TopRun *run = selected_run(top);
    g_autoptr(GError) error = NULL;
    OpenQuestion question;
    if (!run || !open_question_first(run->info, &question))
        return;
    const char *found = open_question_find_option(&question, option, &error);
    g_autoptr(sd_bus_message) message =
        found ? open_question_answer(top->ctl->bus, &question, found, NULL, NULL, &error) : NULL;
    if (message)
        top->n_calls += bus_send_async(top->ctl->bus, message, on_called, top, NULL, &error);
    say(top, error ? g_strdup(error->message) : g_strdup_printf("answered: %s", found));
}

/* Runs a command for the selected run in the terminal, and comes back to the table. */
static void run_command(Top *top, TopCommand command)
{
    const TopRun *run = selected_run(top);
    g_autoptr(GError) error = NULL;
    if (!run)
        return;
    top_view_close();
    terminal_restore();
    (void)top_command_run(command, top->ctl, run->info, &error);
    (void)terminal_make_raw();
    top_view_open();
    say(top, error ? g_strdup(error->message) : NULL);
    look(top);
}

static void move(Top *top, int by)
{
    select_index(top, selected_index(top) + by);
}

/* Keys that select. */
static gboolean on_move(Top *top, int key)
{
    int page = MAX(top->scroll.n, 1);
    if (key == TOP_KEY_UP || key == 'k')
        move(top, -1);
    else if (key == TOP_KEY_DOWN || key == 'j')
        move(top, 1);
    else if (key == TOP_KEY_PAGE_UP)
        move(top, -page);
    else if (key == TOP_KEY_PAGE_DOWN)
        move(top, page);
    else if (key == TOP_KEY_HOME || key == 'g')
        select_index(top, 0);
    else if (key == TOP_KEY_END || key == 'G')
        select_index(top, G_MAXINT);
    else
        return FALSE;
    return TRUE;
}

static const struct {
    int key;
    TopCommand command;
} commands[] = {
    {'a', TOP_ATTACH}, {'l', TOP_LOG}, {TOP_KEY_ENTER, TOP_SHOW}, {'w', TOP_WATCH}, {'d', TOP_DIFF},
};

static void on_command(Top *top, int key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (commands[i].key == key)
            run_command(top, commands[i].command);
}

static void act(Top *top, int key)
{
    if (key == 'q' || key == CTRL_C)
        top->done = TRUE;
    else if (key == 's')
        ask_to_stop(top);
    else if (key == 'f')
        freeze_or_thaw(top);
    else if (key == 'y' || key == 'n')
        answer_question(top, key == 'y' ? "allow" : "deny");
    else if (key == '?')
        top->help = TRUE;
    else if (!on_move(top, key))
        on_command(top, key);
}

/* Takes the first key of @n bytes, and returns how many those are. A message has been read by then;
 * that a stop is on its way is true until its reply. */
static gsize take_key(Top *top, const char *keys, gsize n)
{
    int key;
    gsize length = top_key_read(keys, n, &key);
    if (top->n_calls == 0)
        g_clear_pointer(&top->message, g_free);
    if (top->help)
        top->help = FALSE;
    else if (top->asked)
        answer(top, keys[0]);
    else
        act(top, key);
    return length;
}

static int on_key(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    Top *top = userdata;
    char keys[64];
    ssize_t n = read(fd, keys, sizeof(keys));
    if (n <= 0)
        top->done = TRUE;
    for (ssize_t i = 0; i < n && !top->done;)
        i += (ssize_t)take_key(top, keys + i, (gsize)(n - i));
    if (!top->done)
        draw(top);
    return 0;
}

static gboolean top_run(Top *top, GError **error)
{
    sd_event *event = top->ctl->event;
    terminal_signals_listen(&top->signals, event, on_resized, on_killed, top);
    if (!terminal_make_raw()) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED,
                            "cannot switch the terminal to raw mode");
        return FALSE;
    }
    (void)sd_event_add_io(event, &top->keyboard, STDIN_FILENO, EPOLLIN, on_key, top);
    (void)sd_event_add_time_relative(event, &top->timer, CLOCK_MONOTONIC, 0, 0, on_timer, top);
    top_view_open();
    gboolean ok = ctl_run_event(top->ctl, &top->done, error);
    top_view_close();
    terminal_restore();
    return ok;
}

static void top_clear(Top *top)
{
    sd_event_source_disable_unref(top->keyboard);
    sd_event_source_disable_unref(top->timer);
    terminal_signals_clear(&top->signals);
    sd_bus_slot_unref(top->look);
    top_model_clear(&top->model);
    g_free(top->selected);
    g_free(top->asked);
    g_free(top->question);
    g_free(top->message);
}

static int top_verb_run(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    Top top = {.ctl = ctl};
    if (ctl->json || !isatty(STDIN_FILENO) || !terminal_is_stdout()) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "top needs a terminal: programs use `storkitctl list --json` and "
                            "`storkitctl watch --json`");
        return -1;
    }
    /* The first look fails like any command's; later ones wait for the service to come back. */
    g_autoptr(JsonNode) list = bus_call_json(ctl->bus, "List", error, NULL);
    if (!list || !ctl_attach_event(ctl, error))
        return -1;
    top_model_init(&top.model, ctl, arg_everywhere ? NULL : ctl->project);
    top_model_update(&top.model, list);
    select_index(&top, 0);
    gboolean ok = top_run(&top, error);
    top_clear(&top);
    return ok ? 0 : -1;
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
};
