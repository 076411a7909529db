/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "heart-fixture.h"
#include "start/start.h"
#include "start/steps.h"

/*
 * The table of steps: each step that fails, each one at which the run is stopped, and what is
 * undone then.
 */

typedef struct {
    Heart heart;
    const char *story;
    Start *start;
    Answered answered;
    gboolean may_prepare;
    gboolean finished, to_queue;
} Fixture;

static gboolean may_prepare(const Start *start, gpointer data)
{
    return ((Fixture *)data)->may_prepare;
}

static Run *find_sharer(const Run *run, gpointer data)
{
    return NULL;
}

static void on_moved_on(Start *start, gpointer data)
{
}

static void on_finished(Start *start, gboolean to_queue, gpointer data)
{
    Fixture *fixture = data;
    fixture->finished = TRUE;
    fixture->to_queue = to_queue;
    fixture->start = NULL;
    start_free(start);
}

static gboolean check_target(const Target *target, gpointer data, GError **error)
{
    return TRUE;
}

static const StartOwner owner = {may_prepare, check_target, find_sharer, on_moved_on, on_finished};

static Start *start_of(const Run *run, gpointer data)
{
    Fixture *fixture = data;
    return fixture->start && start_get_run(fixture->start) == run ? fixture->start : NULL;
}

static void on_started(Run *run, gpointer data)
{
    if (start_of(run, data))
        start_on_started(start_of(run, data));
}

static void on_ended(Run *run, gpointer data)
{
    if (start_of(run, data))
        start_on_ended(start_of(run, data));
}

static void ignore(Run *run, gpointer data)
{
}

static void ignore_events(Run *run, EventBatch *batch, gpointer data)
{
}

static void ignore_note(Run *run, RunNote note, gpointer data)
{
}

static const RunKeeper keeper = {.started = on_started,
                                 .output = ignore,
                                 .has_events = ignore_events,
                                 .noted = ignore_note,
                                 .changed = ignore,
                                 .ended = on_ended};

static void set_up(Fixture *fixture, gconstpointer data)
{
    heart_set_up(&fixture->heart);
    fixture->may_prepare = TRUE;
    fixture->story = "42";
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    g_assert_null(fixture->start);
    answered_clear(&fixture->answered);
    heart_tear_down(&fixture->heart);
}

/* Begins a Start, in the queue or not; it has not got further than its first step. */
static void begin(Fixture *fixture, const char *agent, gboolean queued)
{
    const StartTools *tools = &fixture->heart.tools;
    Target *target = heart_target(&fixture->heart, fixture->story, agent);
    g_autoptr(Run) run = run_new(start_new_record(target, start_options_new(), NULL),
                                 tools->folder_watch, tools->systemd, &keeper, fixture);
    if (queued)
        run_enqueue(run);
    runs_add(tools->runs, run);
    fixture->start = start_new(tools, run, &owner, fixture);
    start_begin(fixture->start, target, heart_reply, &fixture->answered);
}

static void wait_for_step(const Fixture *fixture, StepId step)
{
    WAIT_UNTIL(!fixture->start || fixture->start->at == step);
    g_assert_nonnull(fixture->start);
}

static void kill_shim(const Run *run)
{
    kill(run_get_shim_pid(run), SIGKILL);
}

static void assert_failed(Fixture *fixture, int code)
{
    WAIT_UNTIL(fixture->finished);
    g_assert_true(fixture->answered.given);
    g_assert_error(fixture->answered.error, STORKIT_ERROR, code);
    g_assert_false(fixture->to_queue);
    g_assert_null(
        runs_lookup(fixture->heart.tools.runs, fixture->heart.root, fixture->story, "coder"));
    heart_assert_nothing_left(&fixture->heart);
}

static void test_start_answers_when_the_program_executes(Fixture *fixture, gconstpointer data)
{
    fixture->story = "stays";
    begin(fixture, "coder", FALSE);
    g_autoptr(Run) run = run_ref(start_get_run(fixture->start));
    WAIT_UNTIL(fixture->finished);
    g_assert_cmpstr(answered_status(&fixture->answered), ==, "running");
    g_assert_cmpuint(fixture->heart.systemd.stops, ==, 0);
    kill_shim(run);
    fake_end_units(&fixture->heart.systemd);
    WAIT_UNTIL(!run_is_live(run));
}

/* --- Each step fails --- */

static void test_folder_that_cannot_be_made(Fixture *fixture, gconstpointer data)
{
    SHELL("cd %s/state/storkit; mv runs away; touch runs", fixture->heart.folder);
    begin(fixture, "coder", FALSE);
    WAIT_UNTIL(fixture->finished);
    g_assert_error(fixture->answered.error, STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED);
    SHELL("cd %s/state/storkit; rm runs; mv away runs", fixture->heart.folder);
    heart_assert_nothing_left(&fixture->heart);
}

static void test_target_that_is_gone_at_its_turn(Fixture *fixture, gconstpointer data)
{
    begin(fixture, "coder", TRUE);
    wait_for_step(fixture, STEP_QUEUE);
    g_assert_cmpstr(answered_status(&fixture->answered), ==, "pending");
    SHELL("mv %s %s.away", fixture->heart.root, fixture->heart.root);
    g_autoptr(Run) run = run_ref(start_get_run(fixture->start));
    start_admit(fixture->start);
    WAIT_UNTIL(fixture->finished);
    g_assert_cmpstr(run_get_status(run), ==, "failed");
    SHELL("mv %s.away %s", fixture->heart.root, fixture->heart.root);
}

static void test_worktree_that_cannot_be_made(Fixture *fixture, gconstpointer data)
{
    SHELL("cd %s/.storkit; mv worktrees away; touch worktrees", fixture->heart.root);
    begin(fixture, "coder", FALSE);
    WAIT_UNTIL(fixture->finished);
    g_assert_error(fixture->answered.error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED);
    SHELL("cd %s/.storkit; rm worktrees; mv away worktrees", fixture->heart.root);
    heart_assert_nothing_left(&fixture->heart);
}

static void test_shim_that_cannot_be_executed(Fixture *fixture, gconstpointer data)
{
    g_autofree char *shim = g_strdup(g_getenv("STORKIT_SHIM"));
    g_setenv("STORKIT_SHIM", "/nonexistent/shim", TRUE);
    begin(fixture, "coder", FALSE);
    assert_failed(fixture, STORKIT_ERROR_SPAWN_FAILED);
    g_setenv("STORKIT_SHIM", shim, TRUE);
}

static void test_scope_whose_job_fails(Fixture *fixture, gconstpointer end)
{
    fixture->heart.systemd.end = (JobEnd)GPOINTER_TO_INT(end);
    begin(fixture, "coder", FALSE);
    assert_failed(fixture, STORKIT_ERROR_SCOPE_FAILED);
    g_assert_cmpuint(fixture->heart.systemd.stops, ==, 1);
}

static void test_gate_whose_shim_has_died(Fixture *fixture, gconstpointer data)
{
    fixture->heart.systemd.end = JOB_SHIM_DIED;
    begin(fixture, "coder", FALSE);
    assert_failed(fixture, STORKIT_ERROR_SPAWN_FAILED);
}

static void test_program_that_never_executes(Fixture *fixture, gconstpointer data)
{
    begin(fixture, "other", FALSE);
    wait_for_step(fixture, STEP_STARTED);
    fake_end_units(&fixture->heart.systemd);
    assert_failed(fixture, STORKIT_ERROR_SPAWN_FAILED);
}

/* --- A stop at each step --- */

/* While systemd makes the scope, and until it has: that could come after what ends it. */
static void finish_job_on_the_way_back(Fixture *fixture)
{
    WAIT_UNTIL(fixture->start->at == STEP_SCOPE && fixture->start->error);
    g_assert_cmpuint(fixture->heart.systemd.stops, ==, 0);
    fake_finish_job(&fixture->heart.systemd);
}

static void test_stop_at_a_step(Fixture *fixture, gconstpointer step)
{
    StepId at = (StepId)GPOINTER_TO_INT(step);
    fixture->may_prepare = at != STEP_TURN;
    fixture->heart.systemd.end = JOB_LATE;
    begin(fixture, "coder", FALSE);
    wait_for_step(fixture, at);
    start_stop(fixture->start);
    if (at == STEP_WORKTREE)
        finish_job_on_the_way_back(fixture);
    else if (at == STEP_SCOPE)
        fake_finish_job(&fixture->heart.systemd);
    assert_failed(fixture, STORKIT_ERROR_STOPPED);
}

static void test_stop_in_the_queue(Fixture *fixture, gconstpointer data)
{
    begin(fixture, "coder", TRUE);
    wait_for_step(fixture, STEP_QUEUE);
    g_autoptr(Run) run = run_ref(start_get_run(fixture->start));
    start_stop(fixture->start);
    WAIT_UNTIL(fixture->finished);
    g_assert_cmpstr(answered_status(&fixture->answered), ==, "pending");
    g_assert_cmpint(run_get_result(run)->outcome, ==, OUTCOME_STOPPED);
}

static void test_second_stop_changes_nothing(Fixture *fixture, gconstpointer data)
{
    fixture->may_prepare = FALSE;
    begin(fixture, "coder", FALSE);
    wait_for_step(fixture, STEP_TURN);
    start_stop(fixture->start);
    g_assert_nonnull(fixture->start);
    start_stop(fixture->start);
    start_retry(fixture->start);
    assert_failed(fixture, STORKIT_ERROR_STOPPED);
}

/* --- The service goes down --- */

static void test_service_that_goes_down_undoes_a_start(Fixture *fixture, gconstpointer step)
{
    StepId at = (StepId)GPOINTER_TO_INT(step);
    fixture->may_prepare = at != STEP_TURN;
    fixture->heart.systemd.end = JOB_LATE;
    begin(fixture, "coder", FALSE);
    wait_for_step(fixture, at);
    g_assert_false(start_may_be_left(fixture->start));
    start_abandon(fixture->start);
    if (at == STEP_WORKTREE)
        finish_job_on_the_way_back(fixture);
    else if (at == STEP_SCOPE)
        fake_finish_job(&fixture->heart.systemd);
    assert_failed(fixture, STORKIT_ERROR_SHUTTING_DOWN);
}

static void test_service_that_goes_down_leaves_the_queue(Fixture *fixture, gconstpointer data)
{
    begin(fixture, "coder", TRUE);
    wait_for_step(fixture, STEP_QUEUE);
    start_abandon(fixture->start);
    g_assert_true(start_may_be_left(fixture->start));
    start_stop(fixture->start);
    WAIT_UNTIL(fixture->finished);
}

static void test_admitted_start_returns_to_the_queue(Fixture *fixture, gconstpointer data)
{
    fixture->heart.systemd.end = JOB_LATE;
    begin(fixture, "coder", TRUE);
    wait_for_step(fixture, STEP_QUEUE);
    g_autoptr(Run) run = run_ref(start_get_run(fixture->start));
    start_admit(fixture->start);
    wait_for_step(fixture, STEP_SCOPE);
    start_abandon(fixture->start);
    fake_finish_job(&fixture->heart.systemd);
    WAIT_UNTIL(fixture->finished);
    g_assert_true(fixture->to_queue);
    g_assert_true(run_is_live(run));
    g_assert_null(run_get_record(run)->worktree);
}

#define TEST(path, data, function)                                                                 \
    g_test_add("/start/" path, Fixture, GINT_TO_POINTER(data), set_up, function, tear_down)

int main(int argc, char **argv)
{
    heart_init(&argc, &argv);
    TEST("answers-when-the-program-executes", 0, test_start_answers_when_the_program_executes);
    TEST("folder-that-cannot-be-made", 0, test_folder_that_cannot_be_made);
    TEST("target-that-is-gone-at-its-turn", 0, test_target_that_is_gone_at_its_turn);
    TEST("worktree-that-cannot-be-made", 0, test_worktree_that_cannot_be_made);
    TEST("shim-that-cannot-be-executed", 0, test_shim_that_cannot_be_executed);
    TEST("scope-whose-job-fails", JOB_FAILED, test_scope_whose_job_fails);
    TEST("scope-whose-job-ends-frozen", JOB_FROZEN, test_scope_whose_job_fails);
    TEST("gate-whose-shim-has-died", 0, test_gate_whose_shim_has_died);
    TEST("program-that-never-executes", 0, test_program_that_never_executes);
    TEST("stop-at-the-folder", STEP_FOLDER, test_stop_at_a_step);
    TEST("stop-at-the-environment", STEP_ENVIRONMENT, test_stop_at_a_step);
    TEST("stop-at-its-turn", STEP_TURN, test_stop_at_a_step);
    TEST("stop-at-the-plan", STEP_PLAN, test_stop_at_a_step);
    TEST("stop-at-the-worktree", STEP_WORKTREE, test_stop_at_a_step);
    TEST("stop-at-the-scope", STEP_SCOPE, test_stop_at_a_step);
    TEST("stop-in-the-queue", 0, test_stop_in_the_queue);
    TEST("second-stop-changes-nothing", 0, test_second_stop_changes_nothing);
    TEST("shut-down-at-the-environment", STEP_ENVIRONMENT,
         test_service_that_goes_down_undoes_a_start);
    TEST("shut-down-at-its-turn", STEP_TURN, test_service_that_goes_down_undoes_a_start);
    TEST("shut-down-at-the-plan", STEP_PLAN, test_service_that_goes_down_undoes_a_start);
    TEST("shut-down-at-the-worktree", STEP_WORKTREE, test_service_that_goes_down_undoes_a_start);
    TEST("shut-down-at-the-scope", STEP_SCOPE, test_service_that_goes_down_undoes_a_start);
    TEST("shut-down-leaves-the-queue", 0, test_service_that_goes_down_leaves_the_queue);
    TEST("admitted-one-returns-to-the-queue", 0, test_admitted_start_returns_to_the_queue);
    return g_test_run();
}
