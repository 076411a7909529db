/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/follow.h"
#include "ctl/hosts/stream.h"
#include "ctl/json-path.h"
#include "ctl/verbs/wait.h"

/*
 * wait over several hosts: their own waits, until the last of them has ended.
 */

typedef struct {
    Ctl *ctl;
    GMainLoop *loop;
    gboolean any, over;
    guint outstanding; /* runs */
    int status;
    int problem; /* the exit status of a host that can't be waited for, or 0 */
    GError *error;
} WaitHosts;

typedef struct {
    WaitHosts *wait;
    HostStream *stream;
    GPtrArray *ids; /* of the runs that have not ended */
} WaitHost;

static void wait_host_free(gpointer data)
{
    WaitHost *host = data;
    host_stream_free(host->stream);
    g_ptr_array_unref(host->ids);
    g_free(host);
}

static void finish_run(WaitHost *host, guint index, int status)
{
    WaitHosts *wait = host->wait;
    g_ptr_array_remove_index(host->ids, index);
    wait->status = wait_worse(wait->status, status);
    wait->outstanding--;
    wait->over = wait->any || wait->outstanding == 0;
    if (wait->over)
        g_main_loop_quit(wait->loop);
}

/* Stopped and forgotten, or replaced by a later run. */
static void finish_gone(WaitHost *host, guint index)
{
    ctl_note(host->wait->ctl, "%s: %s was stopped", host_stream_host(host->stream),
             (char *)host->ids->pdata[index]);
    finish_run(host, index, CTL_EXIT_RUN_STOPPED);
}

static gboolean is_listed(JsonArray *runs, const char *id)
{
    for (guint i = 0; i < json_array_get_length(runs); i++) {
        JsonObject *run = json_array_get_object(runs, i);
        if (run && g_strcmp0(json_get_string(run, "run_id"), id) == 0)
            return TRUE;
    }
    return FALSE;
}

static char **on_begin(HostStream *stream, JsonArray *runs, char **ret_input, gpointer data)
{
    WaitHost *host = data;
    for (guint i = host->ids->len; i > 0; i--)
        if (!is_listed(runs, host->ids->pdata[i - 1]))
            finish_gone(host, i - 1);
    if (host->ids->len == 0)
        return NULL;
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_strv_builder_add(words, "wait");
    if (host->wait->any)
        g_strv_builder_add(words, "--any");
    for (guint i = 0; i < host->ids->len; i++)
        g_strv_builder_add(words, host->ids->pdata[i]);
    return g_strv_builder_end(words);
}

static void on_line(HostStream *stream, const char *line, gsize length, gpointer data)
{
    WaitHost *host = data;
    g_autoptr(JsonObject) object = json_parse_object(line, length);
    guint index;
    if (!object)
        return;
    json_object_set_string_member(object, "host", host_stream_host(stream));
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
    g_autoptr(RunInfo) info = run_info_new(node);
    if (!g_ptr_array_find_with_equal_func(host->ids, info->run_id, g_str_equal, &index))
        return;
    wait_print_ending(host->wait->ctl, info);
    finish_run(host, index, run_info_exit_status(info));
}

static void on_away(HostStream *stream, const char *said, gpointer data)
{
    g_autofree char *text = hosts_away_text(said);
    ctl_warn("%s: %s", host_stream_host(stream), text);
}

static void on_back(HostStream *stream, gint64 since, gpointer data)
{
    const WaitHost *host = data;
    g_autofree char *text = hosts_back_text(since);
    ctl_note(host->wait->ctl, "%s: %s", host_stream_host(stream), text);
}

static gboolean is_about_runs(const HostEnd *end)
{
    return end->state == HOST_FINE && (end->status == 0 || end->status == CTL_EXIT_RUN_FAILED ||
                                       end->status == CTL_EXIT_RUN_STOPPED);
}

/* With --any, the runs that are left go on, but for one that is gone. */
static void on_end(HostStream *stream, const HostEnd *end, gpointer data)
{
    WaitHost *host = data;
    if (!is_about_runs(end)) {
        ctl_warn("%s: %s", host_stream_host(stream), end->said);
        host->wait->problem = end->status;
    }
    while (host->ids->len > 0 && !host->wait->over) {
        if (is_about_runs(end))
            finish_gone(host, 0);
        else
            finish_run(host, 0, 0);
    }
}

static WaitHost *wait_host_new(WaitHosts *wait, const char *name, GPtrArray *ids)
{
    static const HostStreamHandler handler = {
        .begin = on_begin,
        .line = on_line,
        .away = on_away,
        .back = on_back,
        .end = on_end,
    };
    WaitHost *host = g_new(WaitHost, 1);
    *host = (WaitHost){.wait = wait, .ids = ids};
    host->stream = host_stream_new(wait->ctl, name, &handler, host);
    return host;
}

static gboolean on_timeout(gpointer data)
{
    WaitHosts *wait = data;
    wait->error = wait_timed_out(wait->outstanding);
    g_main_loop_quit(wait->loop);
    return G_SOURCE_CONTINUE;
}

static GPtrArray *wait_on_each(WaitHosts *wait, GPtrArray *runs)
{
    GPtrArray *hosts = g_ptr_array_new_with_free_func(wait_host_free);
    for (gsize i = 0; wait->ctl->hosts[i]; i++) {
        g_autoptr(GPtrArray) ids = hosts_ids_on(runs, wait->ctl->hosts[i]);
        wait->outstanding += ids->len;
        if (ids->len > 0)
            g_ptr_array_add(hosts, wait_host_new(wait, wait->ctl->hosts[i], g_steal_pointer(&ids)));
    }
    return hosts;
}

int wait_on_hosts(Ctl *ctl, char **arguments, gboolean any, guint64 timeout_usec, GError **error)
{
    WaitHosts wait = {.ctl = ctl, .any = any};
    g_autoptr(GPtrArray) runs = hosts_select(ctl, arguments, &wait.problem, error);
    if (!runs)
        return -1;
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    wait.loop = loop;
    g_autoptr(GPtrArray) hosts = wait_on_each(&wait, runs);
    if (timeout_usec != WAIT_FOREVER)
        g_timeout_add((guint)MIN(timeout_usec / G_TIME_SPAN_MILLISECOND, G_MAXUINT), on_timeout,
                      &wait);
    if (wait.outstanding > 0)
        g_main_loop_run(loop);
    if (wait.error) {
        g_propagate_error(error, wait.error);
        return -1;
    }
    return wait.status != 0 ? wait.status : wait.problem;
}
