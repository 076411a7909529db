/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start/start.h"

#include "host/cgroup.h"
#include "base/error.h"
#include "base/test-hooks.h"
#include "host/login-environment.h"
#include "pool/pool-internal.h"
#include "run/run-info.h"
#include "start/start-prepare.h"
#include "start/start-undo.h"
#include "base/util.h"
#include "store/folder.h"

/* A bus call has 25 s; the contract answers `pending` after this. Tests have no time to wait: their
 * own is in the environment. */
#define PENDING_MSEC 10000

/* What systemd gives the scope on its own stop, beyond the run's grace. */
#define SCOPE_STOP_EXTRA_USEC (5 * G_USEC_PER_SEC)

struct Start {
    Pool *pool;
    Run *run;
    Target *target;
    Reply reply; /* NULL once given */
    gpointer data;
    guint pending_timer;
    gboolean waiting;     /* for another run's setup of the same worktree */
    gboolean at_worktree; /* past that: this Start prepares it */
    gboolean busy;        /* a step is under way that will call back */
    gboolean answered;    /* with `pending`, or by an earlier daemon: the run stays if it fails */
    gboolean real;        /* the gate is open */
    gboolean scope_asked;
    Preparation preparation; /* a worker thread's while one is at it */

    GError *error; /* why it is on its way back */
    StartUndo *undo;
    gboolean undone;
};

static Start *start_new(Pool *pool, Run *run, Reply reply, gpointer data)
{
    Start *start = g_new0(Start, 1);
    start->pool = pool;
    start->run = run_ref(run);
    start->reply = reply;
    start->data = data;
    start->preparation = (Preparation)PREPARATION_INIT;
    start->preparation.cancellable = g_cancellable_new();
    g_ptr_array_add(pool->starts, start);
    return start;
}

void start_free(Start *start)
{
    g_clear_handle_id(&start->pending_timer, g_source_remove);
    start_undo_free(start->undo);
    preparation_clear(&start->preparation);
    g_clear_error(&start->error);
    target_free(start->target);
    run_unref(start->run);
    g_free(start);
}

Run *start_get_run(const Start *start)
{
    return start->run;
}

gboolean start_is_at_worktree(const Start *start)
{
    return start->at_worktree;
}

gboolean start_is_undoing(const Start *start)
{
    return start->error && !start->real;
}

gboolean start_is_admissible(const Start *start)
{
    return !start->busy;
}

/* --- The reply --- */

static void give_reply(Start *start, GVariant *value, const GError *error)
{
    g_clear_handle_id(&start->pending_timer, g_source_remove);
    Reply reply = g_steal_pointer(&start->reply);
    if (reply)
        reply(value, error, start->data);
    else if (value)
        g_variant_unref(g_variant_ref_sink(value));
}

/* From now on the run stays, whatever becomes of it. */
static void reply_pending(Start *start)
{
    start->answered = TRUE;
    runs_replace_older(start->pool->runs, start->run);
    runs_make_visible(start->pool->runs, start->run);
    give_reply(start, run_get_info(start->run), NULL);
}

/* A Start that takes long, whose answer has to be on the disk before it is given. By the time it
 * is, the Start may be over. */
typedef struct {
    Pool *pool;
    Run *run;
} Answer;

static void answer_in_thread(gpointer data)
{
    Answer *answer = data;
    run_folder_set_answered(answer->run->record->run_id);
}

static void on_answer_kept(gpointer data)
{
    g_autofree Answer *answer = data;
    g_autoptr(Run) run = answer->run;
    Start *start = pool_start_of(answer->pool, run);
    if (start && start->reply && !start->error)
        reply_pending(start);
}

static gboolean on_pending_timer(gpointer user_data)
{
    Start *start = user_data;
    Answer *answer = g_new0(Answer, 1);
    start->pending_timer = 0;
    *answer = (Answer){start->pool, run_ref(start->run)};
    work_queue_push(start->pool->work, NULL, answer_in_thread, on_answer_kept, answer);
    return G_SOURCE_REMOVE;
}

/* Frees the Start; the run, if it is still in the pool, goes on without it. */
static void finish(Start *start)
{
    Pool *pool = start->pool;
    g_ptr_array_remove_fast(pool->starts, start); /* frees it */
    pool_advance(pool);
}

static void set_pending_timer(Start *start)
{
    start->pending_timer =
        g_timeout_add(test_msec("STORKIT_PENDING_MSEC", PENDING_MSEC), on_pending_timer, start);
}

/* --- The way back --- */

/* It was admitted, and the service went down in the middle of it: it waits for the next service. */
static gboolean returns_to_queue(const Start *start)
{
    return start->run->record->queued && !start->run->stop_requested &&
           g_error_matches(start->error, STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN);
}

static void on_undone(gpointer data)
{
    Start *start = data;
    Run *run = start->run;
    fault_point("undone");
    if (returns_to_queue(start)) {
        start_requeue(start->pool, run);
        finish(start);
        return;
    }
    gboolean stopped = g_error_matches(start->error, STORKIT_ERROR, STORKIT_ERROR_STOPPED);
    start->undone = TRUE;
    if (!start->answered)
        runs_remove(start->pool->runs, run);
    else if (!start->real)
        run_finish_without_shim(run, stopped ? OUTCOME_STOPPED : OUTCOME_FAILED,
                                stopped ? "stopped" : start->error->message);
    give_reply(start, NULL, start->error);
    waiting_answer(runs_get_waiting(start->pool->runs), run);
    finish(start);
}

/* The folder is about to go: `pending` would promise a run that nobody finds. */
static gboolean keeps_folder(gpointer data)
{
    Start *start = data;
    g_clear_handle_id(&start->pending_timer, g_source_remove);
    return start->answered;
}

static const StartUndoOwner undo_owner = {.keeps_folder = keeps_folder, .done = on_undone};

/* What the disk or the kernel refused has no name in the contract yet. */
static GError *with_a_name(const Start *start, GError *error_taken)
{
    g_autoptr(GError) error = error_taken;
    if (error->domain == STORKIT_ERROR)
        return g_steal_pointer(&error);
    return g_error_new(STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                       "what run %s needs could not be made: %s: mend that, then start it again",
                       start->run->record->run_id, error->message);
}

static void fail(Start *start, GError *error_taken)
{
    start->error = with_a_name(start, error_taken);
    start->waiting = FALSE;
    start->undo = start_undo(start->pool, start->run, start->scope_asked, &undo_owner, start);
}

/* Whether somebody stopped the run meanwhile; then the Start is on its way back. */
static gboolean was_stopped(Start *start)
{
    start->busy = FALSE;
    if (start->pool->shutting_down) {
        fail(start, g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                                        "the service is going down: try again"));
        return TRUE;
    }
    if (!start->run->stop_requested)
        return FALSE;
    fail(start, g_error_new(STORKIT_ERROR, STORKIT_ERROR_STOPPED, "run %s was stopped",
                            start->run->record->run_id));
    return TRUE;
}

/* --- Behind the gate --- */

void start_on_started(Start *start)
{
    Run *run = start->run;
    if (run->started.failed)
        return; /* why is known at the end, when all that it printed has come */
    runs_replace_older(start->pool->runs, run);
    give_reply(start, run_get_info(run), NULL);
    finish(start);
}

/* Why a run that has ended did not get as far as its program. */
static GError *describe_end(const Run *run)
{
    const char *run_id = run->record->run_id;
    const char *why = run->result->error ? run->result->error : "no reason is known";
    if (run->result->outcome == OUTCOME_STOPPED)
        return g_error_new(STORKIT_ERROR, STORKIT_ERROR_STOPPED, "run %s was stopped", run_id);
    if (g_strcmp0(run->started.failed, "setup") == 0)
        return g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SETUP_FAILED, why);
    if (run->started.failed)
        return g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED, why);
    return g_error_new(STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                       "run %s ended before its program was executed: %s", run_id, why);
}

void start_on_ended(Start *start)
{
    if (start->undone)
        return;
    if (!start->error)
        start->error = describe_end(start->run);
    start->undo = start_undo_disk(start->pool, start->run, &undo_owner, start);
}

static void open_gate(Start *start)
{
    Run *run = start->run;
    GError *error = NULL;
    fault_point("before-gate");
    run_follow(run);
    if (!shim_open_gate(&run->shim, &error)) {
        fail(start, error);
        return;
    }
    fault_point("after-gate");
    start->real = TRUE;
    run->phase = RUN_SETUP;
    runs_make_visible(start->pool->runs, run);
}

/* --- The scope --- */

/* A shim that has died is where it was born, beside this service, and was never moved. */
static char *scope_folder(const Run *run)
{
    g_autofree char *folder = cgroup_of_process(run->shim.pid);
    g_autofree char *name = folder ? g_path_get_basename(folder) : NULL;
    return g_strcmp0(name, run->record->unit) == 0 ? g_steal_pointer(&folder) : NULL;
}

static void on_scope(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Start *start = user_data;
    GError *error = NULL;
    if (!systemd_start_scope_finish(result, &error)) {
        fail(start, error);
        return;
    }
    fault_point("scope");
    char *cgroup = scope_folder(start->run);
    if (cgroup)
        run_set_cgroup(start->run, cgroup);
    if (was_stopped(start))
        return;
    if (!cgroup) {
        fail(start, g_error_new(STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                                "the shim of run %s went away before its scope was there",
                                start->run->record->run_id));
        return;
    }
    open_gate(start);
}

static void make_scope(Start *start)
{
    const RunRecord *record = start->run->record;
    g_autofree char *description =
        g_strdup_printf("Agent %s on story %s", record->agent, record->story);
    ScopeSpec spec = {
        .unit = record->unit,
        .description = description,
        .pid = start->run->shim.pid,
        .timeout_stop_usec = record->stop_grace_usec + SCOPE_STOP_EXTRA_USEC,
        .limits = &record->limits,
    };
    start->scope_asked = TRUE;
    start->busy = TRUE;
    systemd_start_scope(start->pool->systemd, &spec, NULL, on_scope, start);
    fault_point("scope-asked");
}

static void spawn_shim(Start *start)
{
    GError *error = NULL;
    if (!shim_spawn(start->run->record, start->preparation.environment,
                    start->preparation.has_stdin, &start->run->shim, &error)) {
        fail(start, error);
        return;
    }
    fault_point("shim");
    make_scope(start);
}

/* --- Worktree and folder, in a worker thread --- */

static void prepare_in_thread(gpointer data)
{
    Start *start = data;
    Preparation *preparation = &start->preparation;
    start_prepare(preparation, start->run->record, start->target, &preparation->error);
}

/* What went wrong in it, if anything. */
static GError *take_preparation(Start *start)
{
    Run *run = start->run;
    Preparation *preparation = &start->preparation;
    if (preparation->plan) {
        run_record_free(run->record);
        run->record = g_steal_pointer(&preparation->plan);
        run_log_set_kind(run->log, run->record->kind);
    }
    if (preparation->folder_fd >= 0)
        run->folder_fd = fd_steal(&preparation->folder_fd);
    if (!run->cursors)
        run->cursors = g_steal_pointer(&preparation->cursors);
    return g_steal_pointer(&preparation->error);
}

static void on_prepared(gpointer data)
{
    Start *start = data;
    GError *error = take_preparation(start);
    if (g_cancellable_is_cancelled(start->preparation.cancellable))
        g_clear_error(&error); /* that of the git which was killed */
    if (error) {
        start->busy = FALSE;
        fail(start, error);
    } else if (!was_stopped(start)) {
        spawn_shim(start);
    }
}

static void try_worktree(Start *start)
{
    start->waiting = pool_story_is_preparing(start->pool, start->run);
    if (start->waiting)
        return;
    start->at_worktree = TRUE;
    start->busy = TRUE;
    start->preparation.folder_fd = fd_steal(&start->run->folder_fd);
    if (start->run->cursors)
        start->preparation.cursors = sink_cursors_ref(start->run->cursors);
    work_queue_push(start->pool->work, start->run->record->project_root, prepare_in_thread,
                    on_prepared, start);
}

void start_retry(Start *start)
{
    if (start->waiting)
        try_worktree(start);
}

static void on_environment(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Start *start = user_data;
    start->preparation.environment = login_environment_get_finish(result, NULL);
    if (!was_stopped(start))
        try_worktree(start);
}

static void prepare(Start *start)
{
    start->busy = TRUE;
    login_environment_get_async(NULL, on_environment, start);
}

/* --- Admission --- */

static void on_target(Target *target, const GError *error, gpointer data)
{
    Start *start = data;
    start->busy = FALSE;
    start->target = target;
    if (error)
        fail(start, g_error_copy(error));
    else if (!was_stopped(start))
        prepare(start);
}

void start_admit(Start *start)
{
    const RunRecord *record = start->run->record;
    start->run->phase = RUN_PREPARING;
    start->run->queue_position = 0;
    start->busy = TRUE;
    /* The config may have changed since the run was queued. */
    g_clear_pointer(&start->target, target_free);
    target_resolve(start->pool->work, record->project_root, record->story, record->agent, TRUE,
                   on_target, start);
}

static void make_folder_in_thread(gpointer data)
{
    Start *start = data;
    Preparation *preparation = &start->preparation;
    start_prepare_folder(preparation, start->run->record, &preparation->error);
}

static void on_queued(Start *start)
{
    reply_pending(start);
    if (start->run->stop_requested)
        start_stop(start);
    pool_advance(start->pool);
}

static void on_folder(gpointer data)
{
    Start *start = data;
    GError *error = take_preparation(start);
    start->busy = FALSE;
    if (error) {
        g_queue_remove(&start->pool->queue, start);
        fail(start, error);
    } else if (start->run->phase == RUN_QUEUED) {
        on_queued(start);
    } else if (!was_stopped(start)) {
        set_pending_timer(start);
        prepare(start);
    }
}

static int by_age(gconstpointer a, gconstpointer b, gpointer unused)
{
    const Start *left = a, *right = b;
    return left->run->record->created > right->run->record->created ? 1 : -1;
}

static void enqueue(Start *start)
{
    Pool *pool = start->pool;
    start->run->phase = RUN_QUEUED;
    start->run->record->queued = TRUE;
    g_queue_insert_sorted(&pool->queue, start, by_age, NULL);
    start->run->queue_position = (guint)g_queue_index(&pool->queue, start) + 1;
    runs_tell_counts(start->pool->runs);
}

static void make_folder(Start *start)
{
    start->busy = TRUE;
    work_queue_push(start->pool->work, NULL, make_folder_in_thread, on_folder, start);
}

void start_begin(Pool *pool, Target *target, StartOptions *options, Reply reply, gpointer data)
{
    gboolean full = !pool_has_room(pool) || pool->queue.length > 0;
    g_autoptr(Run) run = run_new(start_new_record(target, options), pool->folder_watch,
                                 pool->systemd, &pool_run_keeper, pool);
    run->phase = RUN_PREPARING;
    runs_add(pool->runs, run);

    Start *start = start_new(pool, run, reply, data);
    start->target = target;
    if (full)
        enqueue(start);
    else
        runs_tell_counts(pool->runs);
    make_folder(start);
}

void start_requeue(Pool *pool, Run *run)
{
    Start *start = start_new(pool, run, NULL, NULL);
    start->answered = TRUE;
    enqueue(start);
    runs_make_visible(pool->runs, run);
}

void start_resume_setup(Pool *pool, Run *run)
{
    Start *start = start_new(pool, run, NULL, NULL);
    start->answered = start->real = start->at_worktree = TRUE;
}

void start_undo_found(Pool *pool, Run *run)
{
    Start *start = start_new(pool, run, NULL, NULL);
    start->scope_asked = TRUE;
    start->at_worktree = TRUE; /* which may be about to go: others on the story wait */
    start->answered = run->record->queued || run_folder_is_answered(run->folder_fd);
    if (start->answered)
        runs_make_visible(pool->runs, run);
    fail(start,
         g_error_new(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                     "the service went down while run %s was being started", run->record->run_id));
}

/* --- Stop --- */

void start_stop(Start *start)
{
    Run *run = start->run;
    run->stop_requested = TRUE;
    runs_replace_older(start->pool->runs, run);
    if (start->error)
        return;
    if (start->real) {
        run_stop(run);
        return;
    }
    g_cancellable_cancel(start->preparation.cancellable);
    if (start->busy)
        return; /* the step that is under way looks when it is done */
    g_queue_remove(&start->pool->queue, start);
    was_stopped(start);
}

void start_abandon(Start *start)
{
    g_cancellable_cancel(start->preparation.cancellable);
    if (!start->real && !start->error && !start->busy && start->run->phase != RUN_QUEUED)
        was_stopped(start);
}

void start_answer_at_end(Start *start)
{
    g_autoptr(GError) error = g_error_new(
        STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
        "the service is going down and takes run %s back: try again", start->run->record->run_id);
    if (start_may_be_left(start))
        give_reply(start, run_get_info(start->run), NULL);
    else
        give_reply(start, NULL, start->undo ? start->error : error);
}

gboolean start_may_be_left(const Start *start)
{
    return (start->real && !start->error) || start->run->phase == RUN_QUEUED;
}
