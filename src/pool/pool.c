/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/pool.h"

#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "pool/pool-internal.h"
#include "pool/prune.h"
#include "pool/settings.h"
#include "base/util.h"

typedef struct {
    const PoolListener *listener;
    gpointer data;
} Listening;

/* --- Listeners --- */

void pool_add_listener(Pool *pool, const PoolListener *listener, gpointer data)
{
    Listening listening = {listener, data};
    g_array_append_val(pool->listeners, listening);
}

#define TELL(pool, member, ...)                                                                    \
    for (guint i_ = 0; i_ < (pool)->listeners->len; i_++) {                                        \
        const Listening *to_ = &g_array_index((pool)->listeners, Listening, i_);                   \
        if (to_->listener->member)                                                                 \
            to_->listener->member(__VA_ARGS__ to_->data);                                          \
    }

#define COMMA ,

void pool_notify_changed(Pool *pool, Run *run)
{
    TELL(pool, run_changed, run COMMA);
}

void pool_notify_counts(Pool *pool)
{
    TELL(pool, counts_changed, );
}

/* --- The runs --- */

static gboolean has_key(const Run *run, const char *root, const char *story, const char *agent)
{
    const RunRecord *record = run->record;
    return g_str_equal(record->story, story) && g_str_equal(record->agent, agent) &&
           g_str_equal(record->project_root, root);
}

Run *pool_lookup(Pool *pool, const char *root, const char *story, const char *agent)
{
    Run *newest = NULL;
    for (guint i = 0; i < pool->runs->len; i++) {
        Run *run = g_ptr_array_index(pool->runs, i);
        if (!has_key(run, root, story, agent))
            continue;
        if (run_is_live(run))
            return run;
        if (run->listed)
            newest = run;
    }
    return newest;
}

void pool_add_run(Pool *pool, Run *run)
{
    g_ptr_array_add(pool->runs, run_ref(run));
}

void pool_remove_run(Pool *pool, Run *run)
{
    g_autoptr(Run) keep = run_ref(run);
    run->listed = FALSE;
    if (g_ptr_array_remove(pool->runs, run))
        pool_notify_changed(pool, run);
}

static char *session_key(const char *root, const char *story, const char *agent)
{
    return g_strjoin("\n", story, agent, root, NULL);
}

void pool_keep_session(Pool *pool, const Run *run)
{
    const RunRecord *record = run->record;
    const char *session = run_get_session(run);
    if (session)
        g_hash_table_replace(pool->sessions,
                             session_key(record->project_root, record->story, record->agent),
                             g_strdup(session));
}

const char *pool_last_session(Pool *pool, const char *root, const char *story, const char *agent)
{
    g_autofree char *key = session_key(root, story, agent);
    return g_hash_table_lookup(pool->sessions, key);
}

/* A newer run of the same key: the ended ones are not shown any more. */
void pool_replace_older(Pool *pool, const Run *run)
{
    const RunRecord *record = run->record;
    for (guint i = pool->runs->len; i > 0; i--) {
        Run *other = g_ptr_array_index(pool->runs, i - 1);
        if (other != run && !run_is_live(other) &&
            has_key(other, record->project_root, record->story, record->agent))
            pool_remove_run(pool, other);
    }
}

void pool_make_visible(Pool *pool, Run *run)
{
    if (run->visible)
        return;
    run->visible = TRUE;
    pool_notify_changed(pool, run);
    if (run->cursors)
        pool_announce(pool, run);
}

void pool_announce(Pool *pool, Run *run)
{
    if (!run->visible || run->announced)
        return;
    run->announced = TRUE;
    TELL(pool, run_visible, run COMMA);
}

Start *pool_start_of(Pool *pool, const Run *run)
{
    for (guint i = 0; i < pool->starts->len; i++) {
        Start *start = g_ptr_array_index(pool->starts, i);
        if (start_get_run(start) == run)
            return start;
    }
    return NULL;
}

static gboolean same_story(const Run *a, const Run *b)
{
    return a != b && run_is_live(a) && g_str_equal(a->record->story, b->record->story) &&
           g_str_equal(a->record->project_root, b->record->project_root);
}

gboolean pool_story_is_shared(Pool *pool, const Run *run)
{
    for (guint i = 0; i < pool->runs->len; i++) {
        const Run *other = g_ptr_array_index(pool->runs, i);
        Start *start = same_story(other, run) ? pool_start_of(pool, other) : NULL;
        if (same_story(other, run) && (other->phase == RUN_SETUP || other->phase == RUN_RUNNING))
            return TRUE;
        if (start && start_is_at_worktree(start) && !start_is_undoing(start))
            return TRUE;
    }
    return FALSE;
}

gboolean pool_story_is_preparing(Pool *pool, const Run *run)
{
    for (guint i = 0; i < pool->runs->len; i++) {
        const Run *other = g_ptr_array_index(pool->runs, i);
        Start *start = same_story(other, run) ? pool_start_of(pool, other) : NULL;
        if (start && start_is_at_worktree(start))
            return TRUE;
    }
    return FALSE;
}

guint pool_count_running(const Pool *pool)
{
    guint count = 0;
    for (guint i = 0; i < pool->runs->len; i++) {
        const Run *run = g_ptr_array_index(pool->runs, i);
        if (run_is_live(run) && run->phase != RUN_QUEUED)
            count++;
    }
    return count;
}

guint pool_count_queued(const Pool *pool)
{
    return pool->queue.length;
}

gboolean pool_is_idle(const Pool *pool)
{
    return pool_count_running(pool) == 0 && pool->queue.length == 0 && pool->starts->len == 0 &&
           work_queue_is_idle(pool->work);
}

/* --- Retention --- */

typedef struct {
    Pool *pool;
    Settings settings;
    GPtrArray *gone;
} Prune;

static void prune_in_thread(gpointer data)
{
    Prune *prune = data;
    prune->gone = prune_runs(&prune->settings);
}

static void on_pruned(gpointer data)
{
    g_autofree Prune *prune = data;
    g_autoptr(GPtrArray) gone = prune->gone;
    prune->pool->pruning = FALSE;
    for (guint i = prune->pool->runs->len; i > 0; i--) {
        Run *run = g_ptr_array_index(prune->pool->runs, i - 1);
        if (g_ptr_array_find_with_equal_func(gone, run->record->run_id, g_str_equal, NULL))
            pool_remove_run(prune->pool, run);
    }
}

void pool_prune(Pool *pool)
{
    if (pool->pruning || pool->shutting_down)
        return;
    pool->pruning = TRUE;
    Prune *prune = g_new0(Prune, 1);
    *prune = (Prune){.pool = pool, .settings = pool->settings};
    work_queue_push(pool->work, "prune", prune_in_thread, on_pruned, prune);
}

/* --- What runs tell --- */

static void on_started(Run *run, gpointer data)
{
    Pool *pool = data;
    g_autoptr(Run) keep = run_ref(run);
    Start *start = pool_start_of(pool, run);
    if (start)
        start_on_started(start);
    pool_notify_changed(pool, run);
}

static void on_output(Run *run, gpointer data)
{
    Pool *pool = data;
    TELL(pool, run_output, run COMMA);
}

static void on_has_events(Run *run, EventBatch *batch, gpointer data)
{
    Pool *pool = data;
    TELL(pool, run_has_events, run COMMA batch COMMA);
}

static void on_noted(Run *run, RunNote note, gpointer data)
{
    Pool *pool = data;
    TELL(pool, run_noted, run COMMA note COMMA);
    pool_notify_changed(pool, run);
}

static void on_gone(Run *run, gpointer data)
{
    Start *start = pool_start_of(data, run);
    if (!start || !start_is_undoing(start))
        run_finish(run);
}

typedef struct {
    Run *run;
    PoolReply reply; /* or NULL */
    gpointer data;
} Unlisting;

static void unlist_in_thread(gpointer data)
{
    const Unlisting *unlisting = data;
    const Run *run = unlisting->run;
    g_autoptr(GError) error = NULL;
    if (!run_result_save(run->result, FALSE, run->folder_fd, &error))
        g_warning("taking run %s off the list: %s", run->record->run_id, error->message);
}

static void on_unlisted(gpointer data)
{
    g_autofree Unlisting *unlisting = data;
    g_autoptr(Run) run = unlisting->run;
    if (unlisting->reply)
        unlisting->reply(NULL, NULL, unlisting->data);
}

void pool_unlist(Pool *pool, Run *run, PoolReply reply, gpointer data)
{
    Unlisting *unlisting = g_new0(Unlisting, 1);
    *unlisting = (Unlisting){run_ref(run), reply, data};
    pool_remove_run(pool, run);
    work_queue_push(pool->work, NULL, unlist_in_thread, on_unlisted, unlisting);
}

static void on_ended(Run *run, gpointer data)
{
    Pool *pool = data;
    g_autoptr(Run) keep = run_ref(run);
    pool_keep_session(pool, run);
    pool_announce(pool, run);
    TELL(pool, run_output, run COMMA);
    TELL(pool, run_has_events, run COMMA NULL COMMA);
    pool_notify_changed(pool, run);
    Start *start = pool_start_of(pool, run);
    if (!start) /* else once it is undone */
        pool_answer_waiters(pool, run);
    if (run->result->outcome == OUTCOME_STOPPED || run->stop_requested)
        pool_unlist(pool, run, NULL, NULL);
    /* Sinks that still read have references of their own. */
    g_clear_pointer(&run->log, run_log_unref);
    if (start)
        start_on_ended(start);
    pool_advance(pool);
    pool_prune(pool);
}

const RunKeeper pool_run_keeper = {
    .started = on_started,
    .output = on_output,
    .has_events = on_has_events,
    .noted = on_noted,
    .gone = on_gone,
    .ended = on_ended,
};

/* --- Properties --- */

const char *pool_get_project_root(const Pool *pool)
{
    return pool->project_root;
}

gboolean pool_set_project_root(Pool *pool, const char *path, GError **error)
{
    if (strlen(path) >= PATH_MAX) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "ProjectRoot can't be that long: no path has %d bytes or more", PATH_MAX);
        return FALSE;
    }
    if (*path && !g_path_is_absolute(path)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "ProjectRoot must be an absolute path or empty, not '%s'", path);
        return FALSE;
    }
    g_free(pool->project_root);
    pool->project_root = g_strdup(path);
    return TRUE;
}

const Settings *pool_get_settings(const Pool *pool)
{
    return &pool->settings;
}

guint pool_get_max_agents(const Pool *pool)
{
    return pool->settings.max_agents;
}

static void save_max_agents(gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!settings_save_max_agents(GPOINTER_TO_UINT(data), &error))
        g_warning("keeping MaxAgents: %s", error->message);
}

static void ignore_done(gpointer data)
{
}

gboolean pool_set_max_agents(Pool *pool, guint max_agents, GError **error)
{
    if (max_agents == 0) {
        g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                            "MaxAgents must be at least 1");
        return FALSE;
    }
    pool->settings.max_agents = max_agents;
    work_queue_push(pool->work, "settings", save_max_agents, ignore_done,
                    GUINT_TO_POINTER(max_agents));
    pool_advance(pool);
    return TRUE;
}

/* --- The pool --- */

Pool *pool_new(void (*lost)(gpointer data), gpointer data, GError **error)
{
    g_autoptr(Pool) pool = g_new0(Pool, 1);
    pool->runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
    pool->starts = g_ptr_array_new_with_free_func((GDestroyNotify)start_free);
    pool->adoptions = g_ptr_array_new_with_free_func((GDestroyNotify)adoption_free);
    g_queue_init(&pool->queue);
    pool->work = work_queue_new();
    pool->shut_down = g_cancellable_new();
    pool->listeners = g_array_new(FALSE, FALSE, sizeof(Listening));
    pool->waiters =
        g_hash_table_new_full(NULL, NULL, (GDestroyNotify)run_unref, (GDestroyNotify)g_array_unref);
    pool->stoppers =
        g_hash_table_new_full(NULL, NULL, (GDestroyNotify)run_unref, (GDestroyNotify)g_array_unref);
    pool->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    pool->project_root = g_strdup("");
    settings_load(&pool->settings);
    pool->folder_watch = folder_watch_new(error);
    if (!pool->folder_watch)
        return NULL;
    pool->systemd = systemd_new(lost, data, error);
    return pool->systemd ? g_steal_pointer(&pool) : NULL;
}

void pool_free(Pool *pool)
{
    if (!pool)
        return;
    g_clear_handle_id(&pool->pressure_timer, g_source_remove);
    g_queue_clear(&pool->queue);
    g_clear_pointer(&pool->starts, g_ptr_array_unref);
    g_clear_pointer(&pool->adoptions, g_ptr_array_unref);
    g_clear_pointer(&pool->waiters, g_hash_table_unref);
    g_clear_pointer(&pool->stoppers, g_hash_table_unref);
    g_clear_pointer(&pool->runs, g_ptr_array_unref);
    g_clear_pointer(&pool->folder_watch, folder_watch_free);
    g_clear_pointer(&pool->systemd, systemd_free);
    g_clear_pointer(&pool->work, work_queue_free);
    g_clear_object(&pool->shut_down);
    g_array_unref(pool->listeners);
    g_hash_table_unref(pool->sessions);
    g_free(pool->project_root);
    g_free(pool);
}

void pool_shut_down(Pool *pool)
{
    pool->shutting_down = TRUE;
    g_cancellable_cancel(pool->shut_down);
    g_autoptr(GPtrArray) starts = pool_snapshot_starts(pool);
    for (guint i = 0; i < starts->len; i++)
        start_abandon(g_ptr_array_index(starts, i));
}

gboolean pool_is_quiet(const Pool *pool)
{
    for (guint i = 0; i < pool->starts->len; i++)
        if (!start_may_be_left(g_ptr_array_index(pool->starts, i)))
            return FALSE;
    return work_queue_is_idle(pool->work);
}
