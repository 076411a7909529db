/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start/start.h"

#include "base/error.h"
#include "base/test-hooks.h"
#include "base/util.h"
#include "run/run-info.h"
#include "start/steps.h"
#include "store/folder.h"
#include "store/shim-protocol.h"

typedef struct {
    const char *name;            /* for test_hooks: where the service can be made to die */
    void (*begin)(Start *start); /* calls step_done() */
    void (*undo)(Start *start);  /* calls undo_done(); NULL: nothing is to be undone */
} Step;

/* A Start, in the order in which it happens. One that fails is undone from the step it is at
 * upwards; once it has processes, these end first. */
static const Step steps[] = {
    [STEP_FOLDER] = {"reserved", make_folder, remove_folder},
    [STEP_QUEUE] = {"queued", wait_for_place, NULL},
    [STEP_TARGET] = {"target", resolve_again, NULL},
    [STEP_ENVIRONMENT] = {"environment", ask_environment, NULL},
    [STEP_TURN] = {"turn", wait_for_story, NULL},
    [STEP_PLAN] = {"plan", make_plan, undo_worktree}, /* of a plan that fails no tree is shown */
    [STEP_SHIM] = {"shim", spawn_shim, NULL},
    [STEP_SCOPE_ASKED] = {"scope-asked", ask_for_scope, NULL},
    [STEP_WORKTREE] = {"worktree", make_worktree, NULL},
    [STEP_CLAIM] = {"claim", take_claim, release_claim},
    [STEP_SCOPE] = {"scope", wait_for_scope, end_processes},
    [STEP_GATE] = {"gate", open_gate, NULL}, /* from here on the run is real */
    [STEP_STARTED] = {"started", NULL, NULL},
};

/* --- On and back --- */

static void go_on(Start *start, StepId step)
{
    start->at = step;
    if (steps[step].begin)
        steps[step].begin(start);
}

/* An error of the disk or the kernel has no name in the contract yet. */
static GError *with_a_name(const Start *start, GError *error_taken)
{
    g_autoptr(GError) error = error_taken;
    if (error->domain == STORKIT_ERROR)
        return g_steal_pointer(&error);
    return g_error_new(STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                       "run %s could not be set up: %s: fix that, then start it again",
                       run_get_id(start->run), error->message);
}

static void undo(Start *start)
{
    while (!steps[start->at].undo)
        start->at--;
    steps[start->at].undo(start);
}

static void go_back(Start *start, GError *error_taken)
{
    start->error = with_a_name(start, error_taken);
    /* `pending` would promise a run that nobody finds. */
    g_clear_handle_id(&start->pending_timer, g_source_remove);
    fault_point("undo");
    undo(start);
}

/* A run behind its gate is ended like any other, and one in the queue does not need the service. */
static GError *why_to_go_back(const Start *start)
{
    const Run *run = start->run;
    if (start->at >= STEP_GATE)
        return NULL;
    if (start->abandoned && run_get_phase(run) != RUN_QUEUED)
        return g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                                   "the service is shutting down: try again");
    if (run_is_stopping(run))
        return g_error_new(STORKIT_ERROR, STORKIT_ERROR_STOPPED, "run %s was stopped",
                           run_get_id(run));
    return NULL;
}

static void arrive(Start *start);

void step_done(Start *start, GError *error)
{
    if (!error) {
        fault_point(steps[start->at].name);
        error = why_to_go_back(start);
    }
    if (error && start->at >= STEP_SHIM)
        start->at = STEP_SCOPE; /* its processes end first */
    if (error)
        go_back(start, error);
    else if (start->at == STEP_STARTED)
        arrive(start);
    else
        go_on(start, start->at + 1);
}

static void end_back(Start *start);

void undo_done(Start *start)
{
    if (start->at == STEP_FOLDER) {
        end_back(start);
        return;
    }
    start->at--;
    undo(start);
}

/* It waits for others to get on: whatever else happens can be looked at now. */
static gboolean is_waiting(const Start *start)
{
    return !start->error && (start->at == STEP_QUEUE || start->at == STEP_TURN);
}

/* --- The reply --- */

/* A bus call has 25 s; the contract answers `pending` after this. */
#define PENDING_MSEC 10000

static void give_reply(Start *start, GVariant *value, const GError *error)
{
    g_clear_handle_id(&start->pending_timer, g_source_remove);
    Reply reply = g_steal_pointer(&start->reply);
    if (reply)
        reply(value, error, start->data);
    else if (value)
        g_variant_unref(g_variant_ref_sink(value));
}

void reply_pending(Start *start)
{
    start->answered = TRUE;
    runs_replace_older(start->tools->runs, start->run);
    runs_make_visible(start->tools->runs, start->run);
    give_reply(start, run_get_info(start->run), NULL);
}

/* That a Start takes long must be on the disk before it is answered. */
struct Answer {
    Start *start; /* NULL: it is over by now */
    char *run_id;
};

static void answer_in_thread(gpointer data)
{
    const Answer *answer = data;
    run_folder_set_answered(answer->run_id);
}

static void on_answer_kept(gpointer data)
{
    g_autofree Answer *answer = data;
    g_autofree char *run_id = answer->run_id;
    Start *start = answer->start;
    if (!start)
        return;
    start->answer = NULL;
    if (start->reply && !start->error)
        reply_pending(start);
}

static gboolean on_pending_timer(gpointer user_data)
{
    Start *start = user_data;
    Answer *answer = g_new0(Answer, 1);
    *answer = (Answer){start, g_strdup(run_get_id(start->run))};
    start->pending_timer = 0;
    start->answer = answer;
    work_queue_push(start->tools->work, NULL, answer_in_thread, on_answer_kept, answer);
    return G_SOURCE_REMOVE;
}

void reply_pending_later(Start *start)
{
    start->pending_timer =
        g_timeout_add(test_limit("STORKIT_PENDING_MSEC", PENDING_MSEC), on_pending_timer, start);
}

/* --- The end --- */

/* It was admitted, and the service went down in the middle of it: it waits for the next service. */
static gboolean returns_to_queue(const Start *start)
{
    return run_get_record(start->run)->queued && !run_is_stopping(start->run) &&
           g_error_matches(start->error, STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN);
}

static void take_back_run(Start *start)
{
    Run *run = start->run;
    gboolean stopped = g_error_matches(start->error, STORKIT_ERROR, STORKIT_ERROR_STOPPED);
    if (!start->answered)
        runs_remove(start->tools->runs, run);
    else if (run_is_live(run))
        run_finish_without_shim(run, stopped ? OUTCOME_STOPPED : OUTCOME_FAILED,
                                stopped ? "stopped" : start->error->message);
    give_reply(start, NULL, start->error);
    waiting_answer(runs_get_waiting(start->tools->runs), run);
}

static void end_back(Start *start)
{
    gboolean to_queue = returns_to_queue(start);
    fault_point("undone");
    if (!to_queue)
        take_back_run(start);
    start->owner->finished(start, to_queue, start->owner_data);
}

static void arrive(Start *start)
{
    runs_replace_older(start->tools->runs, start->run);
    give_reply(start, run_get_info(start->run), NULL);
    start->owner->finished(start, FALSE, start->owner_data);
}

/* --- Behind the gate --- */

void start_on_started(Start *start)
{
    /* Why it failed is known at the end, when all that it printed has come. */
    if (!run_get_started(start->run)->failed)
        step_done(start, NULL);
}

/* Why a run that has ended did not get as far as its program. */
static GError *describe_end(const Run *run)
{
    const char *run_id = run_get_id(run);
    const RunStarted *started = run_get_started(run);
    const char *failed = started ? started->failed : NULL;
    const RunResult *result = run_get_result(run);
    const char *why = result->error ? result->error : "unknown reason";
    if (result->outcome == OUTCOME_STOPPED)
        return g_error_new(STORKIT_ERROR, STORKIT_ERROR_STOPPED, "run %s was stopped", run_id);
    if (g_strcmp0(failed, SHIM_REASON_SETUP) == 0)
        return g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SETUP_FAILED, why);
    if (failed)
        return g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED, why);
    return g_error_new(STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                       "run %s ended before its program was executed: %s", run_id, why);
}

/* None of its processes is left. */
void start_on_ended(Start *start)
{
    if (start->error)
        return;
    start->at = STEP_CLAIM;
    go_back(start, describe_end(start->run));
}

/* --- Making one, and the ways in --- */

Start *start_new(const StartTools *tools, Run *run, const StartOwner *owner, gpointer data)
{
    Start *start = g_new0(Start, 1);
    start->tools = tools;
    start->owner = owner;
    start->owner_data = data;
    start->run = run_ref(run);
    start->preparation = (Preparation)PREPARATION_INIT;
    start->preparation.cancellable = g_cancellable_new();
    return start;
}

void start_free(Start *start)
{
    if (start->answer)
        start->answer->start = NULL;
    g_clear_handle_id(&start->pending_timer, g_source_remove);
    g_clear_pointer(&start->shim_watch, process_watch_free);
    g_clear_pointer(&start->unit_watch, unit_watch_free);
    preparation_clear(&start->preparation);
    g_clear_error(&start->error);
    g_clear_error(&start->scope_error);
    target_free(start->target);
    run_unref(start->run);
    g_free(start);
}

void start_begin(Start *start, Target *target, Reply reply, gpointer data)
{
    start->target = target;
    start->reply = reply;
    start->data = data;
    go_on(start, STEP_FOLDER);
}

void start_begin_in_queue(Start *start)
{
    start->answered = TRUE;
    start->at = STEP_QUEUE;
    runs_make_visible(start->tools->runs, start->run);
}

void start_begin_behind_gate(Start *start)
{
    start->answered = TRUE;
    go_on(start, STEP_STARTED);
}

void start_take_back(Start *start)
{
    const RunRecord *record = run_get_record(start->run);
    start->at = STEP_SCOPE; /* as far as it may have come */
    start->answered = record->queued || run_folder_is_answered(run_get_folder_fd(start->run));
    if (start->answered)
        runs_make_visible(start->tools->runs, start->run);
    go_back(start, g_error_new(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                               "the service ended while run %s was starting", record->run_id));
}

/* --- What happens to it --- */

void start_add_caller(Start *start, Reply reply, gpointer data)
{
    start->reply = reply;
    start->data = data;
}

void start_answer_pending(Start *start)
{
    give_reply(start, run_get_info(start->run), NULL);
}

void start_admit(Start *start)
{
    run_set_phase(start->run, RUN_PREPARING);
    if (start->reply)
        reply_pending_later(start);
    step_done(start, NULL);
}

void start_retry(Start *start)
{
    if (!start->error && start->at == STEP_TURN)
        wait_for_story(start);
}

void start_stop(Start *start)
{
    Run *run = start->run;
    run_request_stop(run);
    runs_replace_older(start->tools->runs, run);
    if (start->error)
        return;
    if (start->at == STEP_STARTED) {
        run_stop(run);
        return;
    }
    g_cancellable_cancel(start->preparation.cancellable);
    if (is_waiting(start))
        step_done(start, NULL);
}

void start_abandon(Start *start)
{
    start->abandoned = TRUE;
    g_cancellable_cancel(start->preparation.cancellable);
    if (is_waiting(start) && start->at == STEP_TURN)
        step_done(start, NULL);
}

void start_answer_at_end(Start *start)
{
    g_autoptr(GError) error =
        g_error_new(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                    "the service is shutting down and has undone the start of run %s: try again",
                    run_get_id(start->run));
    if (start_may_be_left(start))
        give_reply(start, run_get_info(start->run), NULL);
    else
        give_reply(start, NULL, start->error ? start->error : error);
}

/* --- How far it is --- */

gboolean start_may_be_left(const Start *start)
{
    return !start->error && (start->at == STEP_STARTED || run_get_phase(start->run) == RUN_QUEUED);
}

Run *start_get_run(const Start *start)
{
    return start->run;
}

gboolean start_is_at_worktree(const Start *start)
{
    return start->at >= STEP_PLAN;
}

gboolean start_is_going_back(const Start *start)
{
    return start->error != NULL;
}

gboolean start_is_admissible(const Start *start)
{
    return is_waiting(start) && start->at == STEP_QUEUE;
}
