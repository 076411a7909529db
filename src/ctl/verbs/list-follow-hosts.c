/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/hosts/lists.h"
#include "ctl/verbs/list-follow.h"

/* Nobody waits for a host that is away, and it may be so for days. */
#define LONGEST_PAUSE_MSEC (2 * 60 * 1000)

typedef struct {
    GMainLoop *loop;
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

static void on_runs(const char *host, JsonNode *runs, gpointer data)
{
    g_autoptr(JsonObject) object = json_object_new();
    json_object_set_string_member(object, "host", host);
    json_object_set_member(object, "runs", json_node_copy(runs));
    print(data, object);
}

static void on_lost(const char *host, HostState state, const char *said, gpointer data)
{
    g_autoptr(JsonObject) object = json_object_new();
    json_object_set_string_member(object, "host", host);
    json_object_set_string_member(object, "status", host_state_word(state));
    json_object_set_string_member(object, "error", said);
    print(data, object);
}

static void on_over(int status, gpointer data)
{
    ListHosts *list = data;
    if (list->status == 0)
        list->status = status;
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

int list_follow_hosts(Ctl *ctl, gboolean everywhere, GError **error)
{
    static const HostListsHandler handler = {.runs = on_runs, .lost = on_lost, .over = on_over};
    const char *const words[] = {"list", "--follow", everywhere ? "-e" : NULL, NULL};
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    ListHosts list = {.loop = loop, .live = g_strv_length(ctl->hosts)};
    g_autoptr(HostLists) lists = host_lists_new(ctl, words, LONGEST_PAUSE_MSEC, &handler, &list);
    guint unread = g_unix_fd_add(STDOUT_FILENO, G_IO_ERR, on_unread, &list);
    g_main_loop_run(loop);
    g_source_remove(unread);
    if (!list.error)
        return list.status;
    g_propagate_error(error, list.error);
    return -1;
}
