/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/pool.h"

#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "pool/family.h"
#include "pool/limits.h"
#include "pool/pool-internal.h"
#include "pool/settings.h"
#include "start/claims.h"
#include "store/state-place.h"

Runs *pool_get_runs(Pool *pool)
{
    return pool->tools.runs;
}

guint pool_count_queued(const Pool *pool)
{
    return admission_count_queued(pool->admission);
}

gboolean pool_is_idle(const Pool *pool)
{
    return runs_count_running(pool->tools.runs) == 0 && admission_is_idle(pool->admission) &&
           work_queue_is_idle(pool->tools.work) && pool->listings == 0;
}

/* --- What runs tell --- */

static void on_started(Run *run, gpointer data)
{
    Pool *pool = data;
    g_autoptr(Run) keep = run_ref(run);
    Start *start = admission_start_of(pool->admission, run);
    if (start)
        start_on_started(start);
    runs_tell_changed(pool->tools.runs, run);
}

static void tell(Pool *pool, NewsKind kind, Run *run)
{
    runs_tell(pool->tools.runs, &(RunNews){.kind = kind, .run = run});
}

static void on_output(Run *run, gpointer data)
{
    Pool *pool = data;
    tell(pool, NEWS_OUTPUT, run);
}

static void on_has_events(Run *run, EventBatch *batch, gpointer data)
{
    Pool *pool = data;
    runs_tell(pool->tools.runs, &(RunNews){.kind = NEWS_EVENTS, .run = run, .batch = batch});
}

static void on_noted(Run *run, RunNote note, gpointer data)
{
    Pool *pool = data;
    runs_tell(pool->tools.runs, &(RunNews){.kind = NEWS_NOTE, .run = run, .note = note});
    runs_tell_changed(pool->tools.runs, run);
}

static void on_changed(Run *run, gpointer data)
{
    Pool *pool = data;
    runs_tell_changed(pool->tools.runs, run);
}

typedef struct {
    Run *run;
    Reply reply; /* or NULL */
    gpointer data;
} Unlisting;

static void unlist_in_thread(gpointer data)
{
    const Unlisting *unlisting = data;
    const Run *run = unlisting->run;
    g_autoptr(GError) error = NULL;
    if (!run_save_unlisted(run, &error))
        g_warning("removing run %s from the list: %s", run_get_id(run), error->message);
}

static void on_unlisted(gpointer data)
{
    g_autofree Unlisting *unlisting = data;
    g_autoptr(Run) run = unlisting->run;
    if (unlisting->reply)
        unlisting->reply(NULL, NULL, unlisting->data);
}

void pool_unlist(Pool *pool, Run *run, Reply reply, gpointer data)
{
    Unlisting *unlisting = g_new0(Unlisting, 1);
    *unlisting = (Unlisting){run_ref(run), reply, data};
    runs_remove(pool->tools.runs, run);
    work_queue_push(pool->tools.work, NULL, unlist_in_thread, on_unlisted, unlisting);
}

/* For the service that comes back while a run is being stopped: its children know nothing of it. */
static void stop_children(Pool *pool, const Run *run)
{
    g_autoptr(GPtrArray) below = family_list_below(pool->tools.runs, run);
    pool_stop_all(pool, below);
}

/* What an ended run had for itself while it was live. */
static void leave(Pool *pool, Run *run)
{
    run_settle(run);
    claims_release(pool->tools.work, run, admission_find_sharer(pool->admission, run), NULL, NULL);
}

static void on_ended(Run *run, gpointer data)
{
    Pool *pool = data;
    g_autoptr(Run) keep = run_ref(run);
    runs_keep_session(pool->tools.runs, run);
    limits_keep(pool->tools.runs, run);
    tell(pool, NEWS_OUTPUT, run);
    tell(pool, NEWS_EVENTS, run);
    runs_tell_changed(pool->tools.runs, run);
    Start *start = admission_start_of(pool->admission, run);
    if (run_is_to_be_resumed(run) && !pool->shutting_down)
        waiting_move(runs_get_waiting(pool->tools.runs), run,
                     admission_continue(pool->admission, run));
    else if (!start) /* else once it is undone */
        waiting_answer(runs_get_waiting(pool->tools.runs), run);
    if (run_get_result(run)->outcome == OUTCOME_STOPPED)
        stop_children(pool, run);
    if (run_get_result(run)->outcome == OUTCOME_STOPPED || run_is_stopping(run))
        pool_unlist(pool, run, NULL, NULL);
    if (start)
        start_on_ended(start);
    else
        leave(pool, run);
    admission_advance(pool->admission);
    pool_prune(pool);
}

const RunKeeper pool_run_keeper = {
    .started = on_started,
    .output = on_output,
    .has_events = on_has_events,
    .noted = on_noted,
    .changed = on_changed,
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
                    "ProjectRoot is too long: paths are shorter than %d bytes", PATH_MAX);
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
    work_queue_push(pool->tools.work, "settings", save_max_agents, ignore_done,
                    GUINT_TO_POINTER(max_agents));
    admission_advance(pool->admission);
    return TRUE;
}

/* --- The pool --- */

static void ignore_reply(GVariant *value, const GError *error, gpointer data)
{
}

static void on_budget_spent(Run *run, gpointer data)
{
    if (!run_is_stopping(run))
        pool_stop(data, run, ignore_reply, NULL);
}

/* It stays on the list, to tell why, if it has got as far as its gate. */
static void on_lease_gone(Run *run, gpointer data)
{
    Pool *pool = data;
    Start *start = admission_start_of(pool->admission, run);
    g_autofree char *process = lease_to_string(run_get_record(run)->options->lease);
    if (run_is_stopping(run))
        return;
    g_message("run %s ends: %s, for which it lived, is gone", run_get_id(run), process);
    stop_children(pool, run);
    if (start)
        admission_stop(pool->admission, start);
    else
        run_end_lease(run);
}

static Run *read_elsewhere(const char *run_id, gboolean *ret_listed, gpointer data)
{
    return adopt_read(data, run_id, ret_listed, NULL);
}

static void find_state(Pool *pool)
{
    pool->state_file_system = state_network_file_system();
    if (pool->state_file_system)
        g_warning("runs are kept on a network file system (%s), where a full disk is noticed late "
                  "and other hosts see output late: see XDG_STATE_HOME in storkitd(8)",
                  pool->state_file_system);
}

Pool *pool_new(void (*lost)(gpointer data), gpointer data, GError **error)
{
    g_autoptr(Pool) pool = g_new0(Pool, 1);
    StartTools *tools = &pool->tools;
    tools->runs = runs_new();
    tools->work = work_queue_new();
    pool->budget = budget_new(tools->runs, tools->work, on_budget_spent, pool);
    pool->admission = admission_new(tools, &pool->settings, pool->budget, &pool_run_keeper, pool);
    pool->leases = leases_new(tools->runs, on_lease_gone, pool);
    pool->elsewhere = elsewhere_new(read_elsewhere, pool);
    pool->adoptions = g_ptr_array_new_with_free_func((GDestroyNotify)adoption_free);
    pool->shut_down = g_cancellable_new();
    pool->project_root = g_strdup("");
    settings_load(&pool->settings);
    find_state(pool);
    pool->list_thread = g_thread_pool_new(pool_list_in_thread, NULL, 1, FALSE, NULL);
    tools->folder_watch = folder_watch_new();
    tools->systemd = systemd_new(lost, data, error);
    return tools->systemd ? g_steal_pointer(&pool) : NULL;
}

void pool_free(Pool *pool)
{
    if (!pool)
        return;
    g_clear_handle_id(&pool->prune_timer, g_source_remove);
    g_clear_pointer(&pool->admission, admission_free);
    g_thread_pool_free(pool->list_thread, FALSE, TRUE);
    g_clear_pointer(&pool->adoptions, g_ptr_array_unref);
    g_clear_pointer(&pool->elsewhere, elsewhere_free);
    g_clear_pointer(&pool->budget, budget_free);
    g_clear_pointer(&pool->leases, leases_free);
    g_clear_pointer(&pool->tools.runs, runs_free);
    g_clear_pointer(&pool->tools.folder_watch, folder_watch_free);
    g_clear_pointer(&pool->tools.systemd, systemd_free);
    g_clear_pointer(&pool->tools.work, work_queue_free);
    g_clear_object(&pool->shut_down);
    g_free(pool->project_root);
    g_free(pool->state_file_system);
    g_free(pool);
}

void pool_shut_down(Pool *pool)
{
    pool->shutting_down = TRUE;
    g_clear_handle_id(&pool->prune_timer, g_source_remove);
    g_cancellable_cancel(pool->shut_down);
    admission_shut_down(pool->admission);
}

gboolean pool_is_quiet(const Pool *pool)
{
    return admission_is_quiet(pool->admission) && work_queue_is_idle(pool->tools.work) &&
           pool->listings == 0;
}

void pool_refuse_waiters(Pool *pool)
{
    admission_answer_at_end(pool->admission);
    waiting_refuse_all(runs_get_waiting(pool->tools.runs));
}
