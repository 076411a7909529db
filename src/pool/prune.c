/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/prune.h"

#include <sys/stat.h>

#include "base/names.h"
#include "store/record.h"
#include "store/result.h"
#include "store/cursors.h"
#include "transcript/decoding.h"
#include "store/shim-client.h"
#include "base/util.h"
#include "store/folder.h"

typedef struct {
    char *run_id;
    guint64 ended;
    guint64 bytes; /* on the disk */
    gboolean finished;
} Ended;

static void ended_free(Ended *ended)
{
    g_free(ended->run_id);
    g_free(ended);
}

static guint64 folder_size(const char *path)
{
    guint64 bytes = 0;
    struct stat st;
    const char *name;
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        if (lstat(file, &st) == 0)
            bytes += (guint64)st.st_blocks * 512;
    }
    return bytes;
}

static gboolean sinks_have_finished(int folder_fd, const RunResult *result)
{
    SinkCursors *cursors = sink_cursors_open_existing(folder_fd);
    /* None: no sink ever began, or the folder is just being removed. */
    if (!cursors)
        return errno == ENOENT;
    guint64 end = log_end_cursor(result->bytes);
    gboolean finished = sink_cursors_get(cursors, SINK_BUS) == end &&
                        sink_cursors_get(cursors, SINK_JOURNAL) == end;
    sink_cursors_unref(cursors);
    return finished;
}

/* NULL for a run that has not ended (or not yet been found to have). */
static Ended *look_at(const char *parent, const char *run_id)
{
    gboolean listed;
    autofd folder_fd = run_folder_open(run_id, NULL);
    g_autoptr(RunResult) result = folder_fd < 0 ? NULL : run_result_load(folder_fd, &listed, NULL);
    if (!result || shim_is_alive(folder_fd))
        return NULL;
    g_autofree char *path = g_build_filename(parent, run_id, NULL);
    Ended *ended = g_new0(Ended, 1);
    ended->run_id = g_strdup(run_id);
    ended->ended = result->ended;
    ended->bytes = folder_size(path);
    ended->finished = sinks_have_finished(folder_fd, result);
    return ended;
}

/* Of another machine's runs that machine takes care. */
static gboolean is_ours(const char *run_id)
{
    autofd folder_fd = run_folder_open(run_id, NULL);
    g_autoptr(RunRecord) record = folder_fd < 0 ? NULL : run_record_read(folder_fd, NULL);
    return !record || !run_record_host(record);
}

static int by_end(gconstpointer a, gconstpointer b)
{
    const Ended *left = *(const Ended *const *)a, *right = *(const Ended *const *)b;
    return left->ended < right->ended ? -1 : left->ended > right->ended;
}

static GPtrArray *list_ended(void)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)ended_free);
    g_autofree char *parent = runs_folder();
    g_autoptr(GDir) dir = g_dir_open(parent, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        Ended *ended = run_id_is_valid(name) ? look_at(parent, name) : NULL;
        if (ended)
            g_ptr_array_add(all, ended);
    }
    g_ptr_array_sort(all, by_end);
    return all;
}

GPtrArray *prune_runs(const Settings *settings, gboolean *ret_again)
{
    GPtrArray *gone = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) all = list_ended();
    guint64 total = 0, now = now_usec();
    *ret_again = FALSE;
    for (guint i = 0; i < all->len; i++)
        total += ((Ended *)g_ptr_array_index(all, i))->bytes;

    for (guint i = 0; i < all->len; i++) {
        const Ended *ended = g_ptr_array_index(all, i);
        gboolean old = settings->keep_usec && ended->ended + settings->keep_usec < now;
        gboolean much = settings->keep_bytes && total > settings->keep_bytes;
        if ((!old && !much) || !is_ours(ended->run_id))
            continue;
        if (!ended->finished) {
            *ret_again = TRUE;
            continue;
        }
        run_folder_remove(ended->run_id);
        total -= ended->bytes;
        g_ptr_array_add(gone, g_strdup(ended->run_id));
    }
    return gone;
}
