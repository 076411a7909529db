/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "base/folder-watch.h"
#include "base/open-files.h"
#include "host/cgroup.h"
#include "base/names.h"
#include "pool/family.h"
#include "pool/limits.h"
#include "pool/pool-internal.h"
#include "pool/pool.h"
#include "base/util.h"
#include "start/claims.h"
#include "store/folder.h"

/* What a run that is found takes at most. */
#define DESCRIPTORS 12

/* How often the folder of a run is looked at that can't be watched. */
#define POLL_MSEC 500

/*
 * Finding runs at start-up: by their folders, and for the live ones by their scopes. What a folder
 * says decides:
 *   summary.json       ended, and it is known how
 *   no transcript      its Start died before the gate: undone, and queued again if it had been
 *   else               followed: if nothing of it is left, following it ends it at once
 */

Run *adopt_read(Pool *pool, const char *run_id, gboolean *ret_listed, GError **error)
{
    autofd folder_fd = run_folder_open(run_id, error);
    RunRecord *record = folder_fd < 0 ? NULL : run_record_read(folder_fd, error);
    if (record && !g_str_equal(record->run_id, run_id)) { /* a copy made by somebody */
        g_clear_pointer(&record, run_record_free);
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                            "its run.json belongs to another run");
    }
    if (!record)
        return NULL;

    Run *run =
        run_new(record, pool->tools.folder_watch, pool->tools.systemd, &pool_run_keeper, pool);
    gboolean here = !run_record_host(record);
    /* What lives has not ended, whoever says so in its folder. Locks may not cross from host to
     * host. */
    RunResult *result =
        here && shim_is_alive(folder_fd) ? NULL : run_result_load(folder_fd, ret_listed, NULL);
    /* The service may have gone down before a stopped run was off the list. */
    if (result)
        *ret_listed &= result->outcome != OUTCOME_STOPPED;
    run_take_found(run, fd_steal(&folder_fd), result);
    if (!here)
        run_look_from_afar(run);
    return run;
}

static gboolean has_file(const Run *run, const char *name)
{
    struct stat st;
    return fstatat(run_get_folder_fd(run), name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- Live runs --- */

/* A run whose state is not known yet. The pool has them all, so that they are freed with it. */
struct Adoption {
    Pool *pool;
    Run *run;
    GroupQuery *query;
    UnitWatch *unit_watch;
    int folder_watch; /* an id, or -1 */
    guint timer;
};

void adoption_free(Adoption *adoption)
{
    g_clear_handle_id(&adoption->timer, g_source_remove);
    group_query_free(adoption->query);
    unit_watch_free(adoption->unit_watch);
    if (adoption->folder_watch >= 0)
        folder_watch_remove(adoption->pool->tools.folder_watch, adoption->folder_watch);
    run_unref(adoption->run);
    g_free(adoption);
}

static Adoption *adoption_new(Pool *pool, Run *run)
{
    Adoption *adoption = g_new0(Adoption, 1);
    *adoption = (Adoption){.pool = pool, .run = run_ref(run), .folder_watch = -1};
    g_ptr_array_add(pool->adoptions, adoption);
    return adoption;
}

static void adoption_done(Adoption *adoption)
{
    g_ptr_array_remove_fast(adoption->pool->adoptions, adoption); /* frees it */
}

static void on_control_group(const char *group, gpointer data);

static gboolean ask_control_group(gpointer user_data)
{
    Adoption *adoption = user_data;
    adoption->timer = 0;
    group_query_free(adoption->query);
    adoption->query =
        systemd_ask_control_group(adoption->pool->tools.systemd,
                                  run_get_record(adoption->run)->unit, on_control_group, adoption);
    return G_SOURCE_REMOVE;
}

static void on_control_group(const char *group, gpointer data)
{
    Adoption *adoption = data;
    Run *run = adoption->run;
    if (group)
        run_set_cgroup(run, cgroup_folder(group));
    gboolean has_shim = run_find_shim(run);
    if (!has_shim && shim_is_alive(run_get_folder_fd(run))) {
        /* systemd has not answered, or it ends right now: nothing to kill a run for. */
        adoption->timer = g_timeout_add_seconds(1, ask_control_group, adoption);
        return;
    }
    run_follow(run);
    if (!has_shim)
        run_kill(run); /* processes without their shim */
    adoption_done(adoption);
}

/* No scope, no shim: a lock on the folder by another process means nothing. */
static void on_gone(gpointer data)
{
    Adoption *adoption = data;
    run_follow(adoption->run);
    adoption_done(adoption);
}

static void follow(Pool *pool, Run *run)
{
    run_set_phase(run, RUN_SETUP); /* until its `started` has been read */
    if (!has_file(run, "started"))
        admission_follow_setup(pool->admission, run);
    run_look_back(run);
    runs_make_visible(pool->tools.runs, run);
    if (run_find_scope(run)) { /* no question to systemd: there may be a thousand of them */
        run_follow(run);
        return;
    }
    Adoption *adoption = adoption_new(pool, run);
    adoption->unit_watch =
        systemd_watch_gone(pool->tools.systemd, run_get_record(run)->unit, on_gone, adoption);
    ask_control_group(adoption);
}

/* --- Starts that were cut short --- */

/* The gate closed with the daemon that held it, so a shim that is still there is about to go, or
 * to make its transcript because the gate's byte had come before. */

static void follow_begun(Adoption *adoption)
{
    g_autoptr(Run) run = run_ref(adoption->run);
    Pool *pool = adoption->pool;
    adoption_done(adoption); /* its watch of the folder goes before the run's own comes */
    follow(pool, run);
}

static void take_back(Adoption *adoption)
{
    admission_take_back_found(adoption->pool->admission, adoption->run);
    adoption_done(adoption);
}

static void on_folder_changed(gpointer data)
{
    Adoption *adoption = data;
    if (has_file(adoption->run, "transcript"))
        follow_begun(adoption);
}

static gboolean on_poll(gpointer user_data)
{
    Adoption *adoption = user_data;
    if (!has_file(adoption->run, "transcript"))
        return G_SOURCE_CONTINUE;
    adoption->timer = 0;
    follow_begun(adoption);
    return G_SOURCE_REMOVE;
}

/* No shim gets the gate's byte outside of its scope: without one none begins. */
static void on_unstarted_gone(gpointer data)
{
    Adoption *adoption = data;
    if (has_file(adoption->run, "transcript"))
        follow_begun(adoption);
    else
        take_back(adoption);
}

static void watch_unstarted(Adoption *adoption)
{
    const StartTools *tools = &adoption->pool->tools;
    Run *run = adoption->run;
    adoption->folder_watch = folder_watch_add(tools->folder_watch, run_get_folder_fd(run),
                                              on_folder_changed, adoption, NULL);
    if (adoption->folder_watch < 0) /* the user has no inotify watch left */
        adoption->timer = g_timeout_add(POLL_MSEC, on_poll, adoption);
    adoption->unit_watch =
        systemd_watch_gone(tools->systemd, run_get_record(run)->unit, on_unstarted_gone, adoption);
}

static void adopt_unstarted(Pool *pool, Run *run)
{
    if (run_get_record(run)->queued && !run_get_record(run)->worktree) {
        admission_queue_found(pool->admission, run);
        return;
    }
    gboolean has_shim = shim_is_alive(run_get_folder_fd(run));
    Adoption *adoption = adoption_new(pool, run);
    if (has_shim)
        watch_unstarted(adoption);
    /* Behind the lock and the watch: what comes after this look is told of. */
    if (has_file(run, "transcript"))
        follow_begun(adoption);
    else if (!has_shim)
        take_back(adoption);
}

/* --- All of them --- */

static gboolean has_been_read(const Run *run)
{
    return run_get_cursors(run) &&
           sink_cursors_get(run_get_cursors(run), SINK_BUS) == run_get_last_cursor(run) &&
           sink_cursors_get(run_get_cursors(run), SINK_JOURNAL) == run_get_last_cursor(run);
}

/* One that List does not show is still read to its end by sinks that were not done with it. */
static void adopt_ended(Pool *pool, Run *run, gboolean listed)
{
    gboolean has_news = !has_been_read(run);
    runs_keep_session(pool->tools.runs, run);
    limits_keep(pool->tools.runs, run);
    runs_add_ended(pool->tools.runs, run, listed);
    if (has_news)
        runs_tell(pool->tools.runs, &(RunNews){.kind = NEWS_VISIBLE, .run = run});
    run_settle(run);
}

static void adopt_one(Pool *pool, const char *run_id)
{
    gboolean listed = TRUE;
    g_autoptr(GError) error = NULL;
    g_autoptr(Run) run = adopt_read(pool, run_id, &listed, &error);
    if (!run) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            g_warning("leaving the folder of run %s alone: %s", run_id, error->message);
        return;
    }
    if (run_record_host(run_get_record(run))) /* see pool/elsewhere.h */
        return;
    run_open_cursors(run);
    if (run_get_result(run)) {
        adopt_ended(pool, run, listed);
        return;
    }
    runs_add(pool->tools.runs, run); /* its key is taken from now on */
    if (has_file(run, "transcript"))
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

static void tell_of(Run *run, gpointer data)
{
    runs_tell_changed(data, run);
}

static void collect_resumable(Run *run, gpointer data)
{
    if (run_is_to_be_resumed(run))
        g_ptr_array_add(data, run_ref(run));
}

/* The service before this one did not get to queue what goes on with them: each is still the last
 * of its key. */
static void continue_limited(Pool *pool)
{
    g_autoptr(GPtrArray) limited = g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
    runs_each_listed(pool->tools.runs, collect_resumable, limited);
    for (guint i = 0; i < limited->len; i++)
        admission_continue(pool->admission, limited->pdata[i]);
}

typedef struct {
    Pool *pool;
    GHashTable *seen; /* worktrees */
} ClaimSearch;

/* The service before this one may have gone down before it let go of a claim. */
static void release_claim(Run *run, gpointer data)
{
    ClaimSearch *search = data;
    const Worktree *worktree = run_get_record(run)->worktree;
    if (!run_get_result(run) || !worktree ||
        !g_hash_table_add(search->seen, (gpointer)worktree->record))
        return;
    claims_release(search->pool->tools.work, run,
                   admission_find_sharer(search->pool->admission, run), NULL, NULL);
}

static void release_claims(Pool *pool)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    ClaimSearch search = {pool, seen};
    runs_each(pool->tools.runs, release_claim, &search);
}

void pool_adopt(Pool *pool)
{
    run_folders_tidy();
    g_autoptr(GPtrArray) names = list_folders();
    for (guint i = 0; i < names->len; i++) {
        run_id_keep_after(g_ptr_array_index(names, i));
        /* A run that is left out would be started once more beside itself. */
        (void)open_files_wait(DESCRIPTORS);
        adopt_one(pool, g_ptr_array_index(names, i));
    }
    budget_count_all(pool->budget);
    release_claims(pool);
    g_autoptr(GPtrArray) orphans = family_list_orphans(pool->tools.runs);
    runs_forget_replaced(pool->tools.runs);
    runs_each_listed(pool->tools.runs, tell_of, pool->tools.runs);
    continue_limited(pool);
    pool_stop_all(pool, orphans);
    admission_advance(pool->admission);
    pool_prune(pool);
}
