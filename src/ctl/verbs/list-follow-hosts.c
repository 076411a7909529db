/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/hosts/stream.h"
#include "ctl/verbs/list-follow.h"

/* Nobody waits for a host that is away, and it may be so for days. */
#define LONGEST_PAUSE_MSEC (2 * 60 * 1000)

typedef struct {
    Ctl *ctl;
    GMainLoop *loop;
    gboolean everywhere;
    guint live;
    int status;
    GError *error;
} ListHosts;

static void print(ListHosts *list, JsonObject *object)
{
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
    g_autofree char *line = json_to_string(node, FALSE);
    puts(line);
    if (!list->error && !ctl_flush_output(&list->error))
        g_main_loop_quit(list->loop);
}

static void print_runs(ListHosts *list, const char *host, JsonNode *runs)
{
    g_autoptr(JsonObject) object = json_object_new();
    json_object_set_string_member(object, "host", host);
    json_object_set_member(object, "runs", json_node_copy(runs));
    print(list, object);
}

static void print_problem(ListHosts *list, const char *host, HostState state, const char *said)
{
    g_autoptr(JsonObject) object = json_object_new();
    json_object_set_string_member(object, "host", host);
    json_object_set_string_member(object, "status", host_state_word(state));
    json_object_set_string_member(object, "error", said);
    print(list, object);
}

static char **on_begin(HostStream *stream, JsonArray *runs, char **ret_input, gpointer data)
{
    const ListHosts *list = data;
    const char *const words[] = {"list", "--follow", list->everywhere ? "-e" : NULL, NULL};
    return g_strdupv((char **)words);
}

static void on_line(HostStream *stream, const char *line, gsize length, gpointer data)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    if (length > G_MAXSSIZE || !json_parser_load_from_data(parser, line, (gssize)length, NULL))
        return;
    JsonNode *root = json_parser_get_root(parser);
    if (root && JSON_NODE_HOLDS_ARRAY(root))
        print_runs(data, host_stream_host(stream), root);
}

static void on_away(HostStream *stream, const char *said, gpointer data)
{
    print_problem(data, host_stream_host(stream), HOST_UNREACHABLE, said);
}

/* Its first line comes at once. */
static void on_back(HostStream *stream, gint64 since, gpointer data)
{
}

static void on_end(HostStream *stream, const HostEnd *end, gpointer data)
{
    ListHosts *list = data;
    HostState state = end->state == HOST_FINE ? HOST_FAILED : end->state;
    print_problem(list, host_stream_host(stream), state, end->said);
    if (list->status == 0)
        list->status = end->status;
    if (--list->live == 0)
        g_main_loop_quit(list->loop);
}

/* As a write would: it may be long until the next one. */
static gboolean on_unread(int fd, GIOCondition condition, gpointer data)
{
    ListHosts *list = data;
    raise(SIGPIPE);
    g_main_loop_quit(list->loop); /* it is ignored */
    return G_SOURCE_CONTINUE;
}

static void free_stream(gpointer data)
{
    host_stream_free(data);
}

static GPtrArray *follow_each(ListHosts *list)
{
    static const HostStreamHandler handler = {
        .begin = on_begin,
        .line = on_line,
        .away = on_away,
        .back = on_back,
        .end = on_end,
    };
    GPtrArray *streams = g_ptr_array_new_with_free_func(free_stream);
    for (gsize i = 0; list->ctl->hosts[i]; i++) {
        HostStream *stream = host_stream_new(list->ctl, list->ctl->hosts[i], &handler, list);
        host_stream_set_longest_pause(stream, LONGEST_PAUSE_MSEC);
        g_ptr_array_add(streams, stream);
    }
    return streams;
}

int list_follow_hosts(Ctl *ctl, gboolean everywhere, GError **error)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    ListHosts list = {.ctl = ctl, .loop = loop, .everywhere = everywhere};
    g_autoptr(GPtrArray) streams = follow_each(&list);
    list.live = streams->len;
    guint unread = g_unix_fd_add(STDOUT_FILENO, G_IO_ERR, on_unread, &list);
    g_main_loop_run(loop);
    g_source_remove(unread);
    if (!list.error)
        return list.status;
    g_propagate_error(error, list.error);
    return -1;
}
