/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/cursors.h"
#include "ctl/events.h"
#include "ctl/format.h"
#include "ctl/hosts/follow.h"
#include "ctl/hosts/merge.h"
#include "ctl/hosts/stream.h"
#include "ctl/json-path.h"
#include "ctl/options.h"
#include "ctl/text.h"
#include "ctl/verbs/watch.h"

/*
 * watch over several hosts: their own watches as one. What each run has shown is known by its
 * cursor, so that a watch which was cut off goes on where it was.
 */

/* For how long the others wait for an event of a host that is known to have an older one, and of
 * one that need not have any. */
#define REPLAY_USEC (10 * G_TIME_SPAN_SECOND)
#define LIVE_USEC (100 * G_TIME_SPAN_MILLISECOND)

typedef struct {
    Ctl *ctl;
    EventView view;
    Merge *merge;
    GMainLoop *loop;
    int lines;
    gboolean all; /* all runs, new ones too; else those that each host has in `cursors` */
    guint live;
    int status;
    GError *error;
} WatchHosts;

typedef struct {
    WatchHosts *watch;
    HostStream *stream;
    MergeSource *source;
    GPtrArray *ids;      /* of the runs that were named, or NULL */
    GHashTable *cursors; /* NULL: the host has not answered yet */
    GHashTable *replay;  /* of runs whose older events have not all come: the last one's cursor */
    gboolean begun;
    char *member; /* "host":"NAME", as the first member of an object */
} WatchHost;

static void watch_host_free(gpointer data)
{
    WatchHost *host = data;
    host_stream_free(host->stream);
    g_clear_pointer(&host->ids, g_ptr_array_unref);
    g_clear_pointer(&host->cursors, g_hash_table_unref);
    g_hash_table_unref(host->replay);
    g_free(host->member);
    g_free(host);
}

static void stop(WatchHosts *watch)
{
    g_main_loop_quit(watch->loop);
}

static void flush_output(WatchHosts *watch)
{
    if (!watch->error && !ctl_flush_output(&watch->error))
        stop(watch);
}

/* --- What comes out --- */

/* As the service wrote it, with the host in front. */
static void print_json_line(const WatchHost *host, const char *line, gsize length)
{
    fputs(host->member, stdout);
    fwrite(line + 1, 1, length - 1, stdout);
    putchar('\n');
}

static void on_merged(const char *line, gsize length, gpointer owner, gpointer data)
{
    WatchHosts *watch = data;
    const WatchHost *host = owner;
    if (watch->ctl->json) {
        print_json_line(host, line, length);
    } else {
        g_autoptr(JsonObject) event = json_parse_object(line, length);
        json_object_set_string_member(event, "host", host_stream_host(host->stream));
        event_print(&watch->view, event);
    }
    flush_output(watch);
}

/* A host's own news, among the events. */
static void tell(const WatchHost *host, const char *status, const char *text, Style style)
{
    WatchHosts *watch = host->watch;
    const char *name = host_stream_host(host->stream);
    guint64 now = (guint64)g_get_real_time();
    g_autofree char *clean = text_clean(text, FALSE);
    if (watch->ctl->json) {
        g_autoptr(JsonObject) object = json_object_new();
        json_object_set_string_member(object, "host", name);
        json_object_set_string_member(object, "type", "host");
        json_object_set_string_member(object, "status", status);
        json_object_set_int_member(object, "time", (gint64)now);
        json_object_set_string_member(object, "message", clean);
        g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
        g_autofree char *line = json_to_string(node, FALSE);
        puts(line);
    } else {
        g_autofree char *clock = format_clock(now);
        printf("%s%s%s %s%s%s: %s%s%s\n", style_begin(STYLE_DIM), clock, style_end(STYLE_DIM),
               style_begin(STYLE_NAME), name, style_end(STYLE_NAME), style_begin(style), clean,
               style_end(style));
    }
    flush_output(watch);
}

/* --- The hosts --- */

/* What is there before the host is watched for the first time is old. */
static void take_baseline(WatchHost *host, JsonArray *runs)
{
    host->cursors = cursors_new();
    for (guint i = 0; i < json_array_get_length(runs); i++) {
        JsonObject *run = json_array_get_object(runs, i);
        const char *run_id = run ? json_get_string(run, "run_id") : NULL;
        if (run_id)
            cursors_set(host->cursors, run_id, (guint64)json_get_int(run, "cursor"));
    }
}

static void reserve_names(WatchHost *host, JsonArray *runs)
{
    for (guint i = 0; i < json_array_get_length(runs); i++) {
        g_autoptr(RunInfo) info = run_info_new(json_array_get_element(runs, i));
        if (info && run_info_is_live(info))
            event_view_reserve(&host->watch->view, info);
    }
}

static gboolean is_followed(const WatchHost *host, const char *run_id)
{
    return !host->ids || g_ptr_array_find_with_equal_func(host->ids, run_id, g_str_equal, NULL);
}

/* Which events are old: those up to the cursors that the host has listed. */
static void expect_replay(WatchHost *host, JsonArray *runs, gboolean some)
{
    g_hash_table_remove_all(host->replay);
    for (guint i = 0; i < json_array_get_length(runs); i++) {
        JsonObject *run = json_array_get_object(runs, i);
        const char *run_id = run ? json_get_string(run, "run_id") : NULL;
        guint64 known = 0, last = run ? (guint64)json_get_int(run, "cursor") : 0;
        if (!run_id || !is_followed(host, run_id))
            continue;
        (void)cursors_get(host->cursors, run_id, &known);
        if (last > known || some)
            cursors_set(host->replay, run_id, last);
    }
}

static void expect_events(WatchHost *host)
{
    gboolean replays = g_hash_table_size(host->replay) > 0;
    merge_expect(host->source, replays ? REPLAY_USEC : LIVE_USEC);
}

static void note_event(WatchHost *host, const char *run_id, guint64 cursor)
{
    guint64 last;
    cursors_set(host->cursors, run_id, cursor);
    if (!cursors_get(host->replay, run_id, &last) || cursor < last)
        return;
    g_hash_table_remove(host->replay, run_id);
    expect_events(host);
}

static char **on_begin(HostStream *stream, JsonArray *runs, char **ret_input, gpointer data)
{
    WatchHost *host = data;
    int lines = host->watch->lines;
    gboolean some = !host->begun && lines > 0 && lines < LINES_ALL;
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    if (!host->cursors)
        take_baseline(host, runs);
    reserve_names(host, runs);
    g_strv_builder_add_many(words, "watch", "--cursors=-", NULL);
    if (some) {
        g_autofree char *word = g_strdup_printf("--lines=%d", lines);
        g_strv_builder_add(words, word);
    }
    for (guint i = 0; host->ids && i < host->ids->len; i++)
        g_strv_builder_add(words, host->ids->pdata[i]);
    *ret_input = cursors_write(host->cursors);
    host->begun = TRUE;
    expect_replay(host, runs, some && host->ids);
    expect_events(host);
    return g_strv_builder_end(words);
}

static void on_line(HostStream *stream, const char *line, gsize length, gpointer data)
{
    WatchHost *host = data;
    g_autoptr(JsonObject) event = json_parse_object(line, length);
    const char *run_id = event ? json_get_string(event, "run_id") : NULL;
    if (!run_id)
        return;
    merge_push(host->source, (guint64)json_get_int(event, "time"), line, length);
    note_event(host, run_id, (guint64)json_get_int(event, "cursor"));
}

static void on_away(HostStream *stream, const char *said, gpointer data)
{
    WatchHost *host = data;
    g_autofree char *text = hosts_away_text(said);
    merge_close(host->source);
    tell(host, "unreachable", text, STYLE_BAD);
}

static void on_back(HostStream *stream, gint64 since, gpointer data)
{
    WatchHost *host = data;
    g_autofree char *text = hosts_back_text(since);
    tell(host, "back", text, STYLE_GOOD);
}

static void on_end(HostStream *stream, const HostEnd *end, gpointer data)
{
    WatchHost *host = data;
    WatchHosts *watch = host->watch;
    merge_close(host->source);
    if (end->state != HOST_FINE || end->status != 0)
        ctl_warn("%s: %s", host_stream_host(stream),
                 *end->said ? end->said : host_state_word(end->state));
    if (watch->status == 0)
        watch->status = end->status;
    if (--watch->live == 0)
        stop(watch);
}

static void on_hold(gpointer owner, gboolean held)
{
    const WatchHost *host = owner;
    host_stream_pause(host->stream, held);
}

/* @ids: of the runs that were named, or NULL. */
static WatchHost *watch_host_new(WatchHosts *watch, const char *name, GPtrArray *ids)
{
    static const HostStreamHandler handler = {
        .begin = on_begin,
        .line = on_line,
        .away = on_away,
        .back = on_back,
        .end = on_end,
    };
    g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), name);
    g_autofree char *quoted = json_to_string(node, FALSE);
    WatchHost *host = g_new(WatchHost, 1);
    *host = (WatchHost){
        .watch = watch,
        .replay = cursors_new(),
        .member = g_strdup_printf("{\"host\":%s,", quoted),
    };
    host->source = merge_add(watch->merge, host);
    if (ids) {
        host->ids = g_ptr_array_ref(ids);
        host->cursors = cursors_new();
        merge_expect(host->source, REPLAY_USEC);
    }
    host->stream = host_stream_new(watch->ctl, name, &handler, host);
    return host;
}

/* A named run is watched from its start, unless --lines says otherwise. */
static void set_cursors(WatchHost *host, GPtrArray *runs)
{
    for (guint i = 0; i < runs->len; i++) {
        const RunInfo *info = runs->pdata[i];
        gboolean from_start = host->watch->lines == LINES_ALL;
        if (g_ptr_array_find_with_equal_func(host->ids, info->run_id, g_str_equal, NULL))
            cursors_set(host->cursors, info->run_id,
                        from_start ? 0 : run_info_uint(info, "cursor", 0));
    }
}

static gboolean on_unread(int fd, GIOCondition condition, gpointer data)
{
    WatchHosts *watch = data;
    raise(SIGPIPE);
    if (!watch->error)
        watch->error = g_error_new_literal(CTL_ERROR, CTL_ERROR_FAILED,
                                           "cannot write the output: its reader is gone");
    stop(watch);
    return G_SOURCE_CONTINUE;
}

static GPtrArray *watch_each(WatchHosts *watch, GPtrArray *runs)
{
    GPtrArray *hosts = g_ptr_array_new_with_free_func(watch_host_free);
    for (gsize i = 0; watch->ctl->hosts[i]; i++) {
        const char *name = watch->ctl->hosts[i];
        g_autoptr(GPtrArray) ids = runs ? hosts_ids_on(runs, name) : NULL;
        if (ids && ids->len == 0)
            continue;
        WatchHost *host = watch_host_new(watch, name, ids);
        if (runs)
            set_cursors(host, runs);
        g_ptr_array_add(hosts, host);
    }
    return hosts;
}

static void reserve_hosts(WatchHosts *watch)
{
    for (gsize i = 0; watch->ctl->hosts[i]; i++)
        watch->view.host_width = MAX(watch->view.host_width, text_width(watch->ctl->hosts[i]));
}

static int watch_until_end(WatchHosts *watch, GPtrArray *runs, GError **error)
{
    static const MergeHandler handler = {.line = on_merged, .hold = on_hold};
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    watch->loop = loop;
    watch->merge = merge_new(&handler, watch);
    reserve_hosts(watch);
    g_autoptr(GPtrArray) hosts = watch_each(watch, runs);
    watch->live = hosts->len;
    guint unread = g_unix_fd_add(STDOUT_FILENO, G_IO_ERR, on_unread, watch);
    if (watch->live > 0)
        g_main_loop_run(loop);
    merge_flush(watch->merge);
    g_source_remove(unread);
    merge_free(watch->merge);
    event_view_clear(&watch->view);
    if (!watch->error)
        return watch->status;
    g_propagate_error(error, watch->error);
    return -1;
}

int watch_on_hosts(Ctl *ctl, char **arguments, int lines, GError **error)
{
    WatchHosts watch = {.ctl = ctl, .lines = lines, .all = !arguments[0] && !ctl->story};
    if (watch.all) {
        if (terminal_is_stderr())
            ctl_note(ctl, "Following what runs and will run on %s (Ctrl-C ends this).", ctl->host);
        return watch_until_end(&watch, NULL, error);
    }
    g_autoptr(GPtrArray) runs = hosts_select(ctl, arguments, &watch.status, error);
    return runs ? watch_until_end(&watch, runs, error) : -1;
}
