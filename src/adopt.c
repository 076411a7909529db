/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "names.h"
#include "pool-internal.h"
#include "util.h"

/*
 * Finding runs at start-up: by their folders, and for the live ones by their scopes. What a folder
 * says decides:
 *   summary.json       ended, and it is known how
 *   no transcript      its Start died before the gate: undone (or kept, where it was queued)
 *   else               followed: if nothing of it is left, following it ends it at once
 */

Run *adopt_read(Pool *pool, const char *run_id)
{
    g_autoptr(GError) error = NULL;
    autofd folder_fd = run_folder_open(run_id, &error);
    RunRecord *record = folder_fd < 0 ? NULL : run_record_read(folder_fd, &error);
    if (!record) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            g_warning("leaving the folder of run %s alone: %s", run_id, error->message);
        return NULL;
    }

    Run *run = run_new(record, &pool_run_keeper, pool);
    run->cursors = sink_cursors_open(folder_fd, NULL);
    run->folder_fd = fd_steal(&folder_fd);
    run->result = run_result_load(run->folder_fd, &run->listed, NULL);
    if (run->result) {
        run->phase = RUN_ENDED;
        run->visible = TRUE;
        run->has_started = run_started_read(run->folder_fd, &run->started);
        g_clear_pointer(&run->log, run_log_unref);
    }
    return run;
}

static gboolean has_file(const Run *run, const char *name)
{
    struct stat st;
    return fstatat(run->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A folder whose Start died before run.json was on the disk: nothing else had been made. */
static void remove_unfinished_folder(const char *run_id)
{
    autofd folder_fd = run_folder_open(run_id, NULL);
    struct stat st;
    if (folder_fd >= 0 && fstatat(folder_fd, "run.json", &st, AT_SYMLINK_NOFOLLOW) < 0 &&
        errno == ENOENT && fstatat(folder_fd, "transcript", &st, AT_SYMLINK_NOFOLLOW) < 0)
        run_folder_remove(run_id);
}

/* --- Runs that go on --- */

/* The shim is the one process of the scope that is not in the agent's own cgroup. */
static pid_t find_shim(const char *cgroup)
{
    g_autofree char *path = g_build_filename(cgroup, "cgroup.procs", NULL);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    return (pid_t)g_ascii_strtoll(text, NULL, 10);
}

/* The pid may be another's by now: only the lock on the folder says that it is the shim. */
static void open_shim(Run *run)
{
    pid_t pid = run->cgroup ? find_shim(run->cgroup) : 0;
    if (pid <= 0)
        return;
    run->shim.pidfd = pidfd_open(pid, 0);
    run->shim.pid = pid;
    if (!shim_is_alive(run->folder_fd))
        fd_clear(&run->shim.pidfd);
}

typedef struct {
    Pool *pool;
    Run *run;
} Adoption;

static void on_control_group(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Adoption *adoption = user_data;
    g_autoptr(Run) run = adoption->run;
    g_autoptr(GError) error = NULL;
    g_autofree char *group = systemd_get_control_group_finish(result);
    if (group)
        run->cgroup = cgroup_folder(group);
    open_shim(run);

    if (!run_follow(run, adoption->pool->folder_watch, adoption->pool->systemd, &error))
        g_warning("following run %s: %s", run->record->run_id, error->message);
    else if (run->shim.pidfd < 0)
        run_kill(run); /* processes without their shim */
}

static void follow(Pool *pool, Run *run)
{
    pool_add_run(pool, run);
    run->phase = RUN_SETUP; /* until its `started` has been read */
    run_log_refresh(run->log, run->folder_fd); /* so that the sinks find their cursors in it */
    if (!has_file(run, "started"))
        start_resume_setup(pool, run);
    pool_make_visible(pool, run);

    Adoption *adoption = g_new0(Adoption, 1);
    *adoption = (Adoption){pool, run_ref(run)};
    systemd_get_control_group(pool->systemd, run->record->unit, on_control_group, adoption);
}

/* --- Starts that were cut short --- */

/* The gate closed with the daemon that held it, so a shim that is still there is about to go, or
 * to make its transcript because the gate's byte had come before. */
static gboolean decide_unstarted(gpointer user_data)
{
    Adoption *adoption = user_data;
    if (!has_file(adoption->run, "transcript") && shim_is_alive(adoption->run->folder_fd))
        return G_SOURCE_CONTINUE;
    if (has_file(adoption->run, "transcript")) {
        follow(adoption->pool, adoption->run);
    } else {
        pool_add_run(adoption->pool, adoption->run);
        start_undo_found(adoption->pool, adoption->run);
    }
    run_unref(adoption->run);
    g_free(adoption);
    return G_SOURCE_REMOVE;
}

static void adopt_unstarted(Pool *pool, Run *run)
{
    if (run->record->queued) {
        pool_add_run(pool, run);
        start_requeue(pool, run);
        pool_make_visible(pool, run);
        return;
    }
    Adoption *adoption = g_new0(Adoption, 1);
    *adoption = (Adoption){pool, run_ref(run)};
    if (decide_unstarted(adoption))
        g_timeout_add(5, decide_unstarted, adoption);
}

/* --- All of them --- */

static void adopt_ended(Pool *pool, Run *run)
{
    /* One that List does not show is still read to its end by sinks that were not done with it. */
    pool_add_run(pool, run);
    if (!run->cursors || sink_cursors_get(run->cursors, SINK_BUS) != run_get_last_cursor(run) ||
        sink_cursors_get(run->cursors, SINK_JOURNAL) != run_get_last_cursor(run)) {
        run->visible = FALSE;
        pool_make_visible(pool, run);
    }
}

static void adopt_one(Pool *pool, const char *run_id)
{
    g_autoptr(Run) run = adopt_read(pool, run_id);
    if (!run)
        remove_unfinished_folder(run_id);
    else if (run->result)
        adopt_ended(pool, run);
    else if (has_file(run, "transcript"))
        follow(pool, run);
    else
        adopt_unstarted(pool, run);
}

static int by_time(gconstpointer a, gconstpointer b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    int r = strcmp(strrchr(left, '.'), strrchr(right, '.'));
    return r ? r : strcmp(left, right);
}

static GPtrArray *list_folders(void)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = runs_folder();
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir)))
        if (run_id_is_valid(name))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_time);
    return names;
}

/* Of each key only its newest run may be shown; none, where that one was stopped. */
static void forget_replaced(Pool *pool)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = pool->runs->len; i > 0; i--) {
        Run *run = g_ptr_array_index(pool->runs, i - 1);
        const RunRecord *record = run->record;
        gboolean newest = g_hash_table_add(
            seen, g_strjoin("\n", record->project_root, record->story, record->agent, NULL));
        if (!run_is_live(run) && (!newest || !run->listed))
            pool_remove_run(pool, run);
    }
}

void pool_adopt(Pool *pool)
{
    g_autoptr(GPtrArray) names = list_folders();
    for (guint i = 0; i < names->len; i++)
        adopt_one(pool, g_ptr_array_index(names, i));
    forget_replaced(pool);
    pool_advance(pool);
    pool_prune(pool);
}
