/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/watch.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/cursors.h"
#include "ctl/events.h"
#include "ctl/follow.h"
#include "ctl/followed.h"
#include "ctl/json-path.h"
#include "ctl/message-json.h"
#include "ctl/options.h"
#include "ctl/questions.h"
#include "ctl/select.h"
#include "ctl/terminal.h"
#include "ctl/verb.h"

/* A run's beginning is followed at once: no new run is missed, none is followed twice. */
#define NEW_RUNS_MATCH                                                                             \
    "type='signal',sender='" STORKIT_BUS_NAME "',path='" STORKIT_OBJECT_PATH                       \
    "',interface='" STORKIT_INTERFACE "',member='AgentEvent',arg2='status'"

/* An unfinished line of an agent is not an event: the run's object has it. */
#define UNFINISHED_MATCH                                                                           \
    "type='signal',sender='" STORKIT_BUS_NAME "',path_namespace='" STORKIT_OBJECT_PATH             \
    "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"                    \
    "arg0='" STORKIT_RUN_INTERFACE "'"

/* The first state of a line is requested when the events up to then have probably been shown. */
#define FIRST_LOOK_USEC (G_TIME_SPAN_SECOND)

static int arg_lines = LINES_ALL;
static char *arg_cursors;

typedef struct {
    Ctl *ctl;
    EventView view;
    GHashTable *runs;    /* run id to WatchRun: all that were ever followed */
    GHashTable *cursors; /* of --cursors, or NULL */
    guint live;
    sd_bus_slot *match, *look;
    sd_event_source *first_look;
    gboolean for_ever; /* new runs are followed too */
    gboolean done;
    GError *error; /* the first one */
} Watch;

typedef struct {
    Watch *watch;
    Follow *follow;
    guint64 now;      /* the cursor up to which events are old ones */
    GQueue backlog;   /* of char *: the last --lines of those */
    char *unfinished; /* the line shown last as such, or NULL */
    gboolean waits_told;
} WatchRun;

static void watch_run_free(gpointer data)
{
    WatchRun *run = data;
    g_clear_pointer(&run->follow, follow_free);
    g_queue_clear_full(&run->backlog, g_free);
    g_free(run->unfinished);
    g_free(run);
}

static gboolean is_waiting(JsonObject *event)
{
    return g_strcmp0(json_get_string(event, "status"), "waiting") == 0;
}

static void print_line(WatchRun *run, const char *line, gsize length)
{
    Watch *watch = run->watch;
    if (watch->ctl->json) {
        fwrite(line, 1, length, stdout);
        putchar('\n');
    } else {
        g_autoptr(JsonObject) event = json_parse_object(line, length);
        if (event)
            event_print(&watch->view, event);
        run->waits_told |= event && is_waiting(event);
    }
    if (!watch->error && !ctl_flush_output(&watch->error))
        watch->done = TRUE;
}

/* What is not an event, but looks like one: @member is its text or status. */
static void print_beside(Watch *watch, const RunInfo *info, const char *type, const char *member,
                         const char *value)
{
    g_autoptr(JsonObject) event = json_object_new();
    json_object_set_string_member(event, "type", type);
    json_object_set_string_member(event, "story_id", info->story);
    json_object_set_string_member(event, "agent_name", info->agent);
    json_object_set_string_member(event, "run_id", info->run_id);
    json_object_set_int_member(event, "time", g_get_real_time());
    json_object_set_string_member(event, member, value);
    event_print(&watch->view, event);
    if (!watch->error && !ctl_flush_output(&watch->error))
        watch->done = TRUE;
}

static void take_unfinished(Watch *watch, const RunInfo *info)
{
    WatchRun *run = g_hash_table_lookup(watch->runs, info->run_id);
    const char *line = run_info_string(info, "unfinished_line");
    if (!run || !run->follow || g_strcmp0(line, run->unfinished) == 0)
        return;
    g_free(run->unfinished);
    run->unfinished = g_strdup(line);
    if (!line)
        return;
    g_autofree char *text = g_strdup_printf("%s (unfinished)", line);
    print_beside(watch, info, "output", "text", text);
}

/* Of a question that was asked before this began there is no event: a replay has none. */
static void take_waiting(Watch *watch, const RunInfo *info)
{
    WatchRun *run = g_hash_table_lookup(watch->runs, info->run_id);
    OpenQuestion question;
    if (!run || !run->follow || run->waits_told || !open_question_first(info, &question))
        return;
    run->waits_told = TRUE;
    g_autofree char *text = g_strdup_printf("%s %s", question.title, question.detail);
    print_beside(watch, info, "output", "text", g_strchomp(text));
    print_beside(watch, info, "status", "status", "waiting");
}

static void on_looked(sd_bus_message *reply, const GError *error, gpointer data)
{
    Watch *watch = data;
    g_autoptr(JsonNode) list = reply ? message_read_json(reply) : NULL;
    g_autoptr(GPtrArray) infos = list ? run_info_list_from_json(list, NULL) : NULL;
    watch->look = sd_bus_slot_unref(watch->look);
    for (guint i = 0; infos && i < infos->len; i++) {
        take_unfinished(watch, infos->pdata[i]);
        take_waiting(watch, infos->pdata[i]);
    }
}

static void look_for_unfinished(Watch *watch)
{
    if (!watch->look)
        (void)bus_call_async(watch->ctl->bus, "List", on_looked, watch, &watch->look, NULL, NULL);
}

static int on_first_look(sd_event_source *source, guint64 usec, void *userdata)
{
    look_for_unfinished(userdata);
    return 0;
}

static int on_run_changed(sd_bus_message *signal, void *userdata, sd_bus_error *unused)
{
    if (sd_bus_message_skip(signal, "s") < 0)
        return 0;
    g_autoptr(JsonNode) changed = message_read_json(signal);
    if (changed && JSON_NODE_HOLDS_OBJECT(changed) &&
        json_object_has_member(json_node_get_object(changed), "UnfinishedLine"))
        look_for_unfinished(userdata);
    return 0;
}

/* For people only: it is not an event. */
static void listen_for_unfinished(Watch *watch)
{
    if (watch->ctl->json)
        return;
    (void)sd_bus_add_match_async(watch->ctl->bus, &watch->match, UNFINISHED_MATCH, on_run_changed,
                                 NULL, watch);
    (void)sd_event_add_time_relative(watch->ctl->event, &watch->first_look, CLOCK_MONOTONIC,
                                     FIRST_LOOK_USEC, 0, on_first_look, watch);
}

static void print_backlog(WatchRun *run)
{
    char *line;
    while ((line = g_queue_pop_head(&run->backlog))) {
        print_line(run, line, strlen(line));
        g_free(line);
    }
    run->now = 0;
}

/* Whether the event is an old one, which waits in the backlog until the last of them is known. */
static gboolean keep_back(WatchRun *run, const char *line, gsize length)
{
    if (run->now == 0)
        return FALSE;
    g_autoptr(JsonObject) event = json_parse_object(line, length);
    if (!event || (guint64)json_get_int(event, "cursor") > run->now) {
        print_backlog(run);
        return FALSE;
    }
    g_queue_push_tail(&run->backlog, g_strndup(line, length));
    if (g_queue_get_length(&run->backlog) > (guint)arg_lines)
        g_free(g_queue_pop_head(&run->backlog));
    if ((guint64)json_get_int(event, "cursor") == run->now)
        print_backlog(run);
    return TRUE;
}

static void on_event(Follow *follow, const char *line, gsize length, gpointer data)
{
    WatchRun *run = data;
    if (!keep_back(run, line, length))
        print_line(run, line, length);
}

static void on_end(Follow *follow, const GError *error, gpointer data)
{
    WatchRun *run = data;
    Watch *watch = run->watch;
    print_backlog(run);
    /* One of --cursors may have been forgotten by now. */
    if (watch->cursors && g_error_matches(error, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN))
        error = NULL;
    if (error && !watch->error)
        watch->error = g_error_copy(error);
    else if (error)
        ctl_warn("%s", error->message);
    g_clear_pointer(&run->follow, follow_free);
    watch->live--;
    watch->done = watch->live == 0 && !watch->for_ever;
}

static void watch_run(Watch *watch, const char *run_id, guint64 cursor, guint64 now)
{
    static const FollowHandler handler = {.event = on_event, .end = on_end};
    if (g_hash_table_contains(watch->runs, run_id))
        return;
    WatchRun *run = g_new(WatchRun, 1);
    *run = (WatchRun){.watch = watch, .now = now, .backlog = G_QUEUE_INIT};
    followed_announce(watch->ctl, run_id);
    run->follow = follow_new(watch->ctl, run_id, cursor, &handler, run);
    g_hash_table_insert(watch->runs, g_strdup(run_id), run);
    watch->live++;
}

/* The whole pool is watched from now on; named runs, from their start; --lines overrides both. */
static void watch_listed(Watch *watch, const RunInfo *info)
{
    guint64 cursor = run_info_uint(info, "cursor", 0);
    gboolean some = arg_lines > 0 && arg_lines < LINES_ALL;
    gboolean from_now = arg_lines == 0 || (arg_lines == LINES_ALL && watch->for_ever);
    event_view_reserve(&watch->view, info);
    watch_run(watch, info->run_id, from_now ? cursor : 0, some ? cursor : 0);
}

/* --- Going on with --cursors --- */

/* From a known cursor; or with --lines, up to there only so many. */
static void watch_from(Watch *watch, const char *run_id, guint64 cursor)
{
    gboolean some = arg_lines > 0 && arg_lines < LINES_ALL;
    watch_run(watch, run_id, some ? 0 : cursor, some ? cursor : 0);
}

/* A run that is not in the file is new. */
static void watch_further(Watch *watch, const RunInfo *info)
{
    guint64 cursor = 0;
    gboolean known = cursors_get(watch->cursors, info->run_id, &cursor);
    event_view_reserve(&watch->view, info);
    if (!known)
        watch_run(watch, info->run_id, 0, 0);
    else if (run_info_is_live(info) || cursor < run_info_uint(info, "cursor", 0))
        watch_from(watch, info->run_id, cursor);
}

/* Those that were stopped since, and are off the list. */
static void watch_unlisted(Watch *watch, GPtrArray *listed)
{
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    gpointer run_id, cursor;
    for (guint i = 0; i < listed->len; i++)
        g_hash_table_add(ids, (char *)((RunInfo *)listed->pdata[i])->run_id);
    g_hash_table_iter_init(&iter, watch->cursors);
    while (g_hash_table_iter_next(&iter, &run_id, &cursor))
        if (!g_hash_table_contains(ids, run_id))
            watch_from(watch, run_id, *(guint64 *)cursor);
}

/* Takes the ids off @arguments that are in the file, which need no list. */
static void watch_known(Watch *watch, char **arguments)
{
    gsize kept = 0;
    guint64 cursor;
    for (gsize i = 0; arguments[i]; i++) {
        char *argument = arguments[i];
        arguments[i] = NULL;
        if (!cursors_get(watch->cursors, argument, &cursor)) {
            arguments[kept++] = argument;
            continue;
        }
        watch_from(watch, argument, cursor);
        g_free(argument);
    }
}

static void watch_init(Watch *watch, Ctl *ctl, GHashTable *cursors)
{
    *watch = (Watch){
        .ctl = ctl,
        .cursors = cursors,
        .runs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, watch_run_free),
    };
}

/* As a write would: it may be long until the next one. */
static int on_unread(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    Watch *watch = userdata;
    raise(SIGPIPE);
    if (!watch->error)
        watch->error = g_error_new_literal(CTL_ERROR, CTL_ERROR_FAILED,
                                           "cannot write the output: its reader is gone");
    watch->done = TRUE;
    return 0;
}

/* Runs the loop; with @watch's own error in @error at the end. */
static gboolean watch_finish(Watch *watch, GError **error)
{
    g_autoptr(GHashTable) runs = watch->runs;
    sd_event_source *unread = NULL;
    /* A file, which cannot be polled, may be read later. */
    (void)sd_event_add_io(watch->ctl->event, &unread, STDOUT_FILENO, 0, on_unread, watch);
    listen_for_unfinished(watch);
    gboolean ok = ctl_run_event(watch->ctl, &watch->done, error);

    sd_event_source_disable_unref(unread);
    sd_event_source_disable_unref(watch->first_look);
    sd_bus_slot_unref(watch->match);
    sd_bus_slot_unref(watch->look);
    event_view_clear(&watch->view);
    if (!ok)
        g_clear_error(&watch->error);
    if (watch->error)
        g_propagate_error(error, watch->error);
    return ok && !watch->error;
}

gboolean watch_runs(Ctl *ctl, GPtrArray *runs, GError **error)
{
    Watch watch;
    if (!ctl_attach_event(ctl, error))
        return FALSE;
    watch_init(&watch, ctl, NULL);
    for (guint i = 0; i < runs->len; i++)
        watch_listed(&watch, runs->pdata[i]);
    watch.done = watch.live == 0;
    return watch_finish(&watch, error);
}

static gboolean is_wanted(Ctl *ctl, const RunInfo *info)
{
    return (!ctl->project || g_str_equal(info->project, ctl->project)) &&
           (!ctl->agent || g_str_equal(info->agent, ctl->agent));
}

/* The data of an event has the members of an info that matter here, but not the leading strings. */
static int on_status(sd_bus_message *signal, void *userdata, sd_bus_error *unused)
{
    Watch *watch = userdata;
    const char *story, *agent;
    if (sd_bus_message_read(signal, "sss", &story, &agent, NULL) < 0)
        return 0;
    g_autoptr(JsonNode) data = message_read_json(signal);
    if (!data || !JSON_NODE_HOLDS_OBJECT(data))
        return 0;
    json_object_set_string_member(json_node_get_object(data), "story_id", story);
    json_object_set_string_member(json_node_get_object(data), "agent_name", agent);
    g_autoptr(RunInfo) info = run_info_new(data);
    if (run_info_is_live(info) && is_wanted(watch->ctl, info))
        watch_run(watch, info->run_id, 0, 0);
    return 0;
}

/* Until there is news, nothing else says that this works. */
static void tell_followed(Watch *watch, GPtrArray *listed)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < listed->len; i++) {
        const RunInfo *info = listed->pdata[i];
        if (run_info_is_live(info) && is_wanted(watch->ctl, info))
            g_string_append_printf(names, "%s%s/%s", names->len > 0 ? ", " : "", info->story,
                                   info->agent);
    }
    if (watch->live == 0)
        ctl_note(watch->ctl, "Nothing is running; waiting for runs to start (Ctrl-C ends this).");
    else
        ctl_note(watch->ctl, "Following %s, and runs that start from now on (Ctrl-C ends this).",
                 names->str);
}

static void watch_all(Watch *watch, GPtrArray *listed)
{
    for (guint i = 0; i < listed->len; i++) {
        const RunInfo *info = listed->pdata[i];
        if (!is_wanted(watch->ctl, info))
            continue;
        if (watch->cursors)
            watch_further(watch, info);
        else if (run_info_is_live(info))
            watch_listed(watch, info);
    }
    if (watch->cursors)
        watch_unlisted(watch, listed);
}

static gboolean watch_pool(Ctl *ctl, GHashTable *cursors, GError **error)
{
    Watch watch;
    int r = sd_bus_add_match(ctl->bus, NULL, NEW_RUNS_MATCH, on_status, &watch);
    if (r < 0) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot listen on the session bus: %s",
                    g_strerror(-r));
        return FALSE;
    }
    g_autoptr(GPtrArray) listed = run_info_list(ctl->bus, ctl->project, error);
    if (!listed || !ctl_attach_event(ctl, error))
        return FALSE;
    watch_init(&watch, ctl, cursors);
    watch.for_ever = TRUE;
    watch_all(&watch, listed);
    if (terminal_is_stderr())
        tell_followed(&watch, listed);
    return watch_finish(&watch, error);
}

/* The runs of @arguments, from their cursors. */
static gboolean watch_named_further(Ctl *ctl, char **arguments, GHashTable *cursors, GError **error)
{
    Watch watch;
    if (!ctl_attach_event(ctl, error))
        return FALSE;
    watch_init(&watch, ctl, cursors);
    g_auto(GStrv) words = g_strdupv(arguments);
    watch_known(&watch, words);
    g_autoptr(GPtrArray) runs =
        words[0] ? select_runs(ctl, words, SELECT_ALL_AGENTS, error) : g_ptr_array_new();
    for (guint i = 0; runs && i < runs->len; i++)
        watch_further(&watch, runs->pdata[i]);
    watch.done = watch.live == 0 || !runs;
    return watch_finish(&watch, runs ? error : NULL) && runs;
}

static int watch(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    if (!verb_check_lines(arg_lines, error))
        return -1;
    g_autoptr(GHashTable) cursors = arg_cursors ? cursors_read(arg_cursors, error) : NULL;
    if (arg_cursors && !cursors)
        return -1;
    if (!arguments[0] && !ctl->story)
        return watch_pool(ctl, cursors, error) ? 0 : -1;
    if (cursors)
        return watch_named_further(ctl, arguments, cursors, error) ? 0 : -1;
    g_autoptr(GPtrArray) runs = select_runs(ctl, arguments, SELECT_ALL_AGENTS, error);
    return runs && watch_runs(ctl, runs, error) ? 0 : -1;
}

static int run_on_hosts(Ctl *ctl, char **arguments, GError **error)
{
    if (!verb_check_lines(arg_lines, error))
        return -1;
    if (!arg_cursors)
        return watch_on_hosts(ctl, arguments, arg_lines, error);
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE, "--cursors takes one host");
    return -1;
}

static const GOptionEntry options[] = {
    {"lines", 'n', 0, G_OPTION_ARG_INT, &arg_lines,
     "Start with the last N events (0: with the next one)", "N"},
    {"cursors", 0, 0, G_OPTION_ARG_FILENAME, &arg_cursors,
     "Go on after the cursors in FILE (-: standard input)", "FILE"},
    {NULL},
};

const Verb watch_verb = {
    .name = "watch",
    .synopsis = "[RUN…]",
    .summary = "Follow the events of runs, or of all from now on",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .options = options,
    .in_job = TRUE,
    .run = watch,
    .run_on_hosts = run_on_hosts,
};
