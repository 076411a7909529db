/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/hosts.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "desktop/info.h"
#include "desktop/json-info.h"
#include "desktop/programs.h"

/* Between the end of the program and its next beginning, in seconds. */
#define FIRST_PAUSE 1
#define LONGEST_PAUSE 600

/* What storkitctl exits with where the file names no hosts, or is wrong: until it changes. */
#define STATUS_USAGE 2

#define HERE "localhost"

typedef struct {
    DesktopHosts *hosts; /* NULL: it is not wanted any more */
    GSubprocess *process;
    GDataInputStream *output;
    GCancellable *cancel;
} Following;

struct DesktopHosts {
    const DesktopHostsListener *listener;
    gpointer data;
    char *folder, *path;
    GFileMonitor *monitor; /* of the folder; NULL while it is not there */
    GStatBuf file;         /* as of the last look; all zero: there was none */
    GHashTable *runs;      /* of a host (name): a table of run ids to infos */
    Following *following;
    guint timer, pause;
    gboolean wrong; /* the file names no hosts, or there is no storkitctl: until it changes */
};

static void begin(DesktopHosts *hosts);

/* --- What a line says --- */

static GHashTable *runs_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
}

/* A run that a host lists as another machine's is for that one to tell. */
static GHashTable *read_runs(const char *host, JsonArray *array)
{
    GHashTable *runs = runs_table();
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        if (!JSON_NODE_HOLDS_OBJECT(node))
            continue;
        g_autoptr(JsonNode) copy = json_node_copy(node);
        JsonObject *object = json_node_get_object(copy);
        if (json_object_has_member(object, "host"))
            continue;
        json_object_set_string_member(object, "host", host);
        GVariant *info = info_from_json(object);
        g_hash_table_replace(runs, g_strdup(info_name(info, "run_id")), info);
    }
    return runs;
}

static void tell_gone(DesktopHosts *hosts, GHashTable *before, GHashTable *after)
{
    GHashTableIter iter;
    gpointer run_id;
    g_hash_table_iter_init(&iter, before);
    while (g_hash_table_iter_next(&iter, &run_id, NULL))
        if (!g_hash_table_contains(after, run_id))
            hosts->listener->changed(run_id, NULL, hosts->data);
}

static void tell_all(DesktopHosts *hosts, GHashTable *runs)
{
    GHashTableIter iter;
    gpointer run_id, info;
    g_hash_table_iter_init(&iter, runs);
    while (g_hash_table_iter_next(&iter, &run_id, &info))
        hosts->listener->changed(run_id, info, hosts->data);
}

static void tell_host(DesktopHosts *hosts, const char *host, const char *problem)
{
    if (hosts->listener->host)
        hosts->listener->host(host, problem, hosts->data);
}

/* What was told of a host that is away still holds. */
static void take_runs(DesktopHosts *hosts, const char *host, JsonArray *array)
{
    g_autoptr(GHashTable) runs = read_runs(host, array);
    GHashTable *before = g_hash_table_lookup(hosts->runs, host);
    hosts->pause = 0;
    if (before)
        tell_gone(hosts, before, runs);
    tell_host(hosts, host, NULL);
    tell_all(hosts, runs);
    g_hash_table_replace(hosts->runs, g_strdup(host), g_steal_pointer(&runs));
}

static const char *string_member(JsonObject *object, const char *key)
{
    return json_object_get_string_member_with_default(object, key, NULL);
}

static void take_object(DesktopHosts *hosts, JsonObject *object)
{
    const char *host = string_member(object, "host");
    JsonNode *runs = json_object_get_member(object, "runs");
    if (!host || g_str_equal(host, HERE))
        return;
    if (runs && JSON_NODE_HOLDS_ARRAY(runs))
        take_runs(hosts, host, json_node_get_array(runs));
    else
        tell_host(hosts, host, string_member(object, "error") ?: "");
}

static void take_line(DesktopHosts *hosts, const char *line)
{
    g_autoptr(JsonNode) root = json_from_string(line, NULL);
    if (root && JSON_NODE_HOLDS_OBJECT(root))
        take_object(hosts, json_node_get_object(root));
}

/* --- The program --- */

static void following_unref(Following *following)
{
    g_rc_box_release(following);
}

static void following_end(Following *following)
{
    following->hosts = NULL;
    g_cancellable_cancel(following->cancel);
    g_subprocess_send_signal(following->process, SIGTERM);
    g_clear_object(&following->process);
    g_clear_object(&following->output);
    g_clear_object(&following->cancel);
    following_unref(following);
}

static gboolean on_pause_over(gpointer data)
{
    DesktopHosts *hosts = data;
    hosts->timer = 0;
    begin(hosts);
    return G_SOURCE_REMOVE;
}

static void on_ended(GObject *process, GAsyncResult *result, gpointer data)
{
    Following *following = data;
    DesktopHosts *hosts = following->hosts;
    if (g_subprocess_wait_finish(G_SUBPROCESS(process), result, NULL) && hosts) {
        hosts->wrong = g_subprocess_get_if_exited(G_SUBPROCESS(process)) &&
                       g_subprocess_get_exit_status(G_SUBPROCESS(process)) == STATUS_USAGE;
        g_clear_pointer(&hosts->following, following_end);
        hosts->pause = CLAMP(hosts->pause * 2, FIRST_PAUSE, LONGEST_PAUSE);
        if (!hosts->wrong)
            hosts->timer = g_timeout_add_seconds(hosts->pause, on_pause_over, hosts);
    }
    following_unref(following);
}

static void read_line(Following *following);

static void on_line(GObject *stream, GAsyncResult *result, gpointer data)
{
    Following *following = data;
    g_autofree char *line =
        g_data_input_stream_read_line_finish_utf8(G_DATA_INPUT_STREAM(stream), result, NULL, NULL);
    if (line && following->hosts)
        take_line(following->hosts, line);
    if (line && following->hosts)
        read_line(following);
    following_unref(following);
}

static void read_line(Following *following)
{
    g_data_input_stream_read_line_async(following->output, G_PRIORITY_DEFAULT, following->cancel,
                                        on_line, g_rc_box_acquire(following));
}

/* In no project: it is about all of them. It ends with us, as soon as nobody reads its output. */
static GSubprocess *spawn(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    g_subprocess_launcher_set_cwd(launcher, "/");
    GSubprocess *process =
        g_subprocess_launcher_spawn(launcher, &error, program_storkitctl(), "--json", "-H", "all",
                                    "list", "--follow", "--everywhere", NULL);
    if (!process)
        g_warning("cannot follow other machines: %s", error->message);
    return process;
}

static void begin(DesktopHosts *hosts)
{
    GSubprocess *process = spawn();
    hosts->wrong = process == NULL;
    if (!process)
        return;
    Following *following = g_rc_box_new0(Following);
    following->hosts = hosts;
    following->process = process;
    following->output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(process));
    following->cancel = g_cancellable_new();
    hosts->following = following;
    g_subprocess_wait_async(process, NULL, on_ended, g_rc_box_acquire(following));
    read_line(following);
}

static void end(DesktopHosts *hosts)
{
    g_clear_handle_id(&hosts->timer, g_source_remove);
    g_clear_pointer(&hosts->following, following_end);
}

/* --- The file --- */

static void on_folder_changed(GFileMonitor *monitor, GFile *file, GFile *other,
                              GFileMonitorEvent event, gpointer data)
{
    desktop_hosts_look(data);
}

/* A folder that is not there would be polled for. */
static void monitor_folder(DesktopHosts *hosts)
{
    g_autoptr(GFile) folder = g_file_new_for_path(hosts->folder);
    if (hosts->monitor || !g_file_test(hosts->folder, G_FILE_TEST_IS_DIR))
        return;
    hosts->monitor = g_file_monitor_directory(folder, G_FILE_MONITOR_NONE, NULL, NULL);
    if (hosts->monitor)
        g_signal_connect(hosts->monitor, "changed", G_CALLBACK(on_folder_changed), hosts);
}

static gboolean is_same_file(const GStatBuf *a, const GStatBuf *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0;
}

void desktop_hosts_look(DesktopHosts *hosts)
{
    GStatBuf now = {0};
    monitor_folder(hosts);
    gboolean there = g_stat(hosts->path, &now) == 0;
    gboolean wanted = there && (!hosts->listener->wanted || hosts->listener->wanted());
    gboolean changed = !is_same_file(&now, &hosts->file);
    gboolean busy = hosts->following || hosts->timer > 0;
    hosts->file = now;
    if (busy && (!wanted || changed))
        end(hosts);
    if (changed && hosts->listener->forgotten)
        hosts->listener->forgotten(hosts->data);
    if (!wanted || (busy && !changed) || (hosts->wrong && !changed))
        return;
    hosts->wrong = FALSE;
    hosts->pause = 0;
    begin(hosts);
}

DesktopHosts *desktop_hosts_new(const DesktopHostsListener *listener, gpointer data)
{
    DesktopHosts *hosts = g_new0(DesktopHosts, 1);
    hosts->listener = listener;
    hosts->data = data;
    hosts->folder = g_build_filename(g_get_user_config_dir(), "storkit", NULL);
    hosts->path = g_build_filename(hosts->folder, "ctl.toml", NULL);
    hosts->runs =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    desktop_hosts_look(hosts);
    return hosts;
}

void desktop_hosts_free(DesktopHosts *hosts)
{
    end(hosts);
    if (hosts->monitor)
        g_signal_handlers_disconnect_by_data(hosts->monitor, hosts);
    g_clear_object(&hosts->monitor);
    g_hash_table_unref(hosts->runs);
    g_free(hosts->folder);
    g_free(hosts->path);
    g_free(hosts);
}
