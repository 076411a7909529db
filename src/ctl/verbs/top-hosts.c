/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/top-hosts.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

#include "ctl/format.h"
#include "ctl/hosts/lists.h"
#include "ctl/verbs/top-table.h"

/*
 * The live table of several hosts: each gives its own, as `top --json` there prints it.
 */

typedef struct {
    TopTable table; /* the first member: what its handler gets is this */
    Ctl *ctl;
    gboolean everywhere;
    GMainLoop *loop;
    guint sources[5];
} TopHosts;

/* --- What the hosts say --- */

static void on_runs(const char *host, JsonNode *runs, gpointer data)
{
    TopHosts *top = data;
    top_model_update_host(&top->table.model, host, runs);
    top_table_draw(&top->table);
}

static void on_lost(const char *host, HostState state, const char *said, gpointer data)
{
    TopHosts *top = data;
    g_autofree char *clock = format_clock((guint64)g_get_real_time());
    g_autofree char *text =
        g_strdup_printf("%s since %s%s%s", host_state_word(state), clock, *said ? ": " : "", said);
    top_model_lose_host(&top->table.model, host, text);
    top_table_draw(&top->table);
}

/* --- What is done to runs --- */

typedef struct {
    TopHosts *top;
    HostCall *call;
} Deed;

static void on_said(const char *line, gsize length, gpointer data)
{
}

static gboolean free_call(gpointer data)
{
    host_call_free(data);
    return G_SOURCE_REMOVE;
}

static void on_done(const HostEnd *end, gpointer data)
{
    g_autofree Deed *deed = data;
    gboolean worked = end->state == HOST_FINE && end->status == 0;
    g_idle_add(free_call, deed->call);
    top_table_called(&deed->top->table, worked ? NULL : end->said);
}

/* The same command of the run's own host, over the same ssh. */
static gboolean act(TopTable *table, const TopDeed *wanted, GError **error)
{
    static const HostHandler handler = {.line = on_said, .end = on_done};
    static const char *const verbs[] = {
        [TOP_STOP] = "stop",
        [TOP_FREEZE] = "freeze",
        [TOP_THAW] = "thaw",
        [TOP_ANSWER] = "answer",
    };
    const RunInfo *info = wanted->run->info;
    const Ctl there = {.directory = (char *)info->project};
    gboolean answers = wanted->action == TOP_ANSWER;
    const char *const words[] = {verbs[wanted->action], info->run_id,
                                 answers ? wanted->question->id : NULL, wanted->option, NULL};
    Deed *deed = g_new(Deed, 1);
    deed->top = (TopHosts *)table;
    deed->call =
        host_call_new(&there, wanted->run->host, (char *const *)words, NULL, &handler, deed);
    return TRUE;
}

/* --- The terminal --- */

static void quit_if_done(TopHosts *top)
{
    if (top->table.done)
        g_main_loop_quit(top->loop);
}

static gboolean on_key(int fd, GIOCondition condition, gpointer data)
{
    TopHosts *top = data;
    top_table_read_keys(&top->table);
    quit_if_done(top);
    return G_SOURCE_CONTINUE;
}

static gboolean on_resized(gpointer data)
{
    top_table_draw(data);
    return G_SOURCE_CONTINUE;
}

static gboolean on_killed(gpointer data)
{
    TopHosts *top = data;
    top->table.done = TRUE;
    quit_if_done(top);
    return G_SOURCE_CONTINUE;
}

static void listen(TopHosts *top)
{
    top->sources[0] = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, on_key, top);
    top->sources[1] = g_unix_signal_add(SIGWINCH, on_resized, top);
    top->sources[2] = g_unix_signal_add(SIGINT, on_killed, top);
    top->sources[3] = g_unix_signal_add(SIGTERM, on_killed, top);
    top->sources[4] = g_unix_signal_add(SIGHUP, on_killed, top);
}

static void follow_until_done(TopHosts *top)
{
    static const HostListsHandler handler = {.runs = on_runs, .lost = on_lost};
    const char *const words[] = {"top", top->everywhere ? "-e" : NULL, NULL};
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    top->loop = loop;
    listen(top);
    g_autoptr(HostLists) lists = host_lists_new(top->ctl, words, 0, &handler, top);
    g_main_loop_run(loop);
    for (gsize i = 0; i < G_N_ELEMENTS(top->sources); i++)
        g_source_remove(top->sources[i]);
}

int top_on_hosts(Ctl *ctl, gboolean everywhere, GError **error)
{
    static const TopHandler handler = {.act = act};
    TopHosts top = {.ctl = ctl, .everywhere = everywhere};
    if (ctl->json) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE, "top --json takes one host");
        return -1;
    }
    if (!top_table_check_terminal(error))
        return -1;
    top_table_init(&top.table, ctl, NULL, &handler);
    top.table.model.one_project = !everywhere && (ctl->project || ctl->directory);
    gboolean ok = top_table_open(&top.table, error);
    if (ok) {
        follow_until_done(&top);
        top_table_close(&top.table);
    }
    top_table_clear(&top.table);
    return ok ? 0 : -1;
}
