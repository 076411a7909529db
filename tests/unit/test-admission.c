/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "heart-fixture.h"
#include "pool/admission.h"
#include "start/start-prepare.h"
#include "start/steps.h"

/*
 * Admission: who may go on, in which order, and what it waits for.
 */

typedef struct {
    Heart heart;
    Settings settings;
    Admission *admission;
    Answered answers[3];
    GPtrArray *runs; /* in the order in which they were started */
} Fixture;

static void on_started(Run *run, gpointer data)
{
    Start *start = admission_start_of(((Fixture *)data)->admission, run);
    if (start)
        start_on_started(start);
}

static void on_ended(Run *run, gpointer data)
{
    Fixture *fixture = data;
    Start *start = admission_start_of(fixture->admission, run);
    if (start)
        start_on_ended(start);
    admission_advance(fixture->admission);
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
    fixture->settings.max_agents = 1;
    fixture->admission =
        admission_new(&fixture->heart.tools, &fixture->settings, NULL, &keeper, fixture);
    fixture->runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
}

static Run *run_at(const Fixture *fixture, guint i)
{
    return g_ptr_array_index(fixture->runs, i);
}

static RunPhase phase_of(const Fixture *fixture, guint i)
{
    return run_get_phase(run_at(fixture, i));
}

static guint position_of(const Fixture *fixture, guint i)
{
    return run_get_condition(run_at(fixture, i))->queue_position;
}

/* The run @i, whose program executes, is over. */
static void end(Fixture *fixture, guint i)
{
    kill(run_get_shim_pid(run_at(fixture, i)), SIGKILL);
    fake_end_units(&fixture->heart.systemd);
    WAIT_UNTIL(phase_of(fixture, i) == RUN_ENDED);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    admission_shut_down(fixture->admission);
    for (guint i = fixture->runs->len; i > 0; i--) {
        Start *start = admission_start_of(fixture->admission, run_at(fixture, i - 1));
        if (start)
            admission_stop(fixture->admission, start);
        else if (phase_of(fixture, i - 1) == RUN_RUNNING)
            end(fixture, i - 1);
    }
    WAIT_UNTIL(admission_is_idle(fixture->admission));
    for (guint i = 0; i < G_N_ELEMENTS(fixture->answers); i++)
        answered_clear(&fixture->answers[i]);
    g_ptr_array_unref(fixture->runs);
    admission_free(fixture->admission);
    heart_tear_down(&fixture->heart);
}

/* Begins a Start on a story that no other test has. */
static void begin(Fixture *fixture, const char *story, const char *agent)
{
    Target *target = heart_target(&fixture->heart, story, agent);
    g_autofree char *root = g_strdup(target->root);
    admission_begin(fixture->admission, target, start_options_new(), NULL, heart_reply,
                    &fixture->answers[fixture->runs->len]);
    Run *run = runs_lookup(fixture->heart.tools.runs, root, story, agent);
    g_ptr_array_add(fixture->runs, run_ref(run));
}

static void wait_for_answer(Fixture *fixture, guint i, const char *status)
{
    WAIT_UNTIL(fixture->answers[i].given);
    g_assert_cmpstr(answered_status(&fixture->answers[i]), ==, status);
}

static void test_whoever_has_no_place_waits_in_the_queue(Fixture *fixture, gconstpointer data)
{
    begin(fixture, "place-1", "coder");
    begin(fixture, "place-2", "coder");
    begin(fixture, "place-3", "coder");
    wait_for_answer(fixture, 1, "pending");
    wait_for_answer(fixture, 2, "pending");
    wait_for_answer(fixture, 0, "running");
    g_assert_cmpuint(admission_count_queued(fixture->admission), ==, 2);
    g_assert_cmpuint(position_of(fixture, 0), ==, 0);
    g_assert_cmpuint(position_of(fixture, 1), ==, 1);
    g_assert_cmpuint(position_of(fixture, 2), ==, 2);

    /* The end of one lets the next in, and that one only. */
    end(fixture, 0);
    fixture->heart.systemd.gone = FALSE;
    WAIT_UNTIL(phase_of(fixture, 1) == RUN_RUNNING);
    g_assert_cmpint(phase_of(fixture, 2), ==, RUN_QUEUED);
    g_assert_cmpuint(position_of(fixture, 1), ==, 0);
    g_assert_cmpuint(position_of(fixture, 2), ==, 1);
}

static void test_more_places_let_more_in(Fixture *fixture, gconstpointer data)
{
    begin(fixture, "more-1", "coder");
    begin(fixture, "more-2", "coder");
    wait_for_answer(fixture, 1, "pending");
    fixture->settings.max_agents = 2;
    admission_advance(fixture->admission);
    WAIT_UNTIL(phase_of(fixture, 0) == RUN_RUNNING && phase_of(fixture, 1) == RUN_RUNNING);
}

/* A free place is for those who wait, not for a call that comes then. */
static void test_nobody_overtakes_the_queue(Fixture *fixture, gconstpointer data)
{
    begin(fixture, "line-1", "coder");
    begin(fixture, "line-2", "coder");
    wait_for_answer(fixture, 1, "pending");
    fixture->settings.max_agents = 2; /* and nobody has looked yet */
    begin(fixture, "line-3", "coder");
    g_assert_cmpint(phase_of(fixture, 2), ==, RUN_QUEUED);
    WAIT_UNTIL(phase_of(fixture, 1) == RUN_RUNNING);
    g_assert_cmpint(phase_of(fixture, 2), ==, RUN_QUEUED);
}

static void test_one_that_leaves_the_queue_moves_the_others_up(Fixture *fixture, gconstpointer data)
{
    begin(fixture, "left-1", "coder");
    begin(fixture, "left-2", "coder");
    begin(fixture, "left-3", "coder");
    wait_for_answer(fixture, 1, "pending");
    wait_for_answer(fixture, 2, "pending");
    admission_stop(fixture->admission, admission_start_of(fixture->admission, run_at(fixture, 1)));
    WAIT_UNTIL(phase_of(fixture, 1) == RUN_ENDED);
    g_assert_cmpuint(position_of(fixture, 2), ==, 1);
    wait_for_answer(fixture, 0, "running");
}

static void test_one_setup_a_story_at_a_time(Fixture *fixture, gconstpointer data)
{
    fixture->settings.max_agents = 2;
    fixture->heart.systemd.end = JOB_LATE;
    begin(fixture, "shared", "coder");
    const Start *first = admission_start_of(fixture->admission, run_at(fixture, 0));
    WAIT_UNTIL(first->at == STEP_SCOPE);
    begin(fixture, "shared", "other");
    const Start *second = admission_start_of(fixture->admission, run_at(fixture, 1));
    WAIT_UNTIL(second->at == STEP_TURN);
    admission_advance(fixture->admission);
    g_assert_cmpint(second->at, ==, STEP_TURN);

    GTask *job = g_steal_pointer(&fixture->heart.systemd.job);
    fixture->heart.systemd.end = JOB_DONE;
    fake_return(&fixture->heart.systemd, job);
    wait_for_answer(fixture, 0, "running");
    WAIT_UNTIL(second->at > STEP_TURN);
}

static void set_pressure(const Fixture *fixture, const char *percent)
{
    g_autofree char *path = g_build_filename(fixture->heart.folder, "pressure", NULL);
    g_autofree char *text = g_strdup_printf("some avg10=%s avg60=0.00\n", percent);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_setenv("STORKIT_PRESSURE_FILE", path, TRUE);
}

static void test_pressure_holds_back(Fixture *fixture, gconstpointer data)
{
    fixture->settings.memory_pressure = 20;
    set_pressure(fixture, "20.01");
    begin(fixture, "pressed", "coder");
    wait_for_answer(fixture, 0, "pending");
    admission_advance(fixture->admission);
    g_assert_cmpint(phase_of(fixture, 0), ==, RUN_QUEUED);
    set_pressure(fixture, "19.99");
    admission_advance(fixture->admission);
    WAIT_UNTIL(phase_of(fixture, 0) == RUN_RUNNING);
    g_unsetenv("STORKIT_PRESSURE_FILE");
}

static void test_service_that_goes_down_admits_nobody(Fixture *fixture, gconstpointer data)
{
    begin(fixture, "down-1", "coder");
    begin(fixture, "down-2", "coder");
    wait_for_answer(fixture, 0, "running");
    wait_for_answer(fixture, 1, "pending");
    admission_shut_down(fixture->admission);
    end(fixture, 0);
    admission_advance(fixture->admission);
    g_assert_cmpint(phase_of(fixture, 1), ==, RUN_QUEUED);
    g_assert_true(admission_is_quiet(fixture->admission));
    g_assert_false(admission_is_idle(fixture->admission));
}

static void test_half_done_start_is_not_quiet(Fixture *fixture, gconstpointer data)
{
    fixture->heart.systemd.end = JOB_LATE;
    begin(fixture, "half", "coder");
    const Start *start = admission_start_of(fixture->admission, run_at(fixture, 0));
    WAIT_UNTIL(start->at == STEP_SCOPE);
    g_assert_false(admission_is_quiet(fixture->admission));
    admission_shut_down(fixture->admission);
    g_assert_false(admission_is_quiet(fixture->admission));
    fake_finish_job(&fixture->heart.systemd);
    WAIT_UNTIL(admission_is_quiet(fixture->admission));
    g_assert_true(admission_is_idle(fixture->admission));
    g_assert_error(fixture->answers[0].error, STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN);
}

#define TEST(path, function)                                                                       \
    g_test_add("/admission/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    heart_init(&argc, &argv);
    TEST("whoever-has-no-place-waits-in-the-queue", test_whoever_has_no_place_waits_in_the_queue);
    TEST("more-places-let-more-in", test_more_places_let_more_in);
    TEST("nobody-overtakes-the-queue", test_nobody_overtakes_the_queue);
    TEST("one-that-leaves-the-queue-moves-the-others-up",
         test_one_that_leaves_the_queue_moves_the_others_up);
    TEST("one-setup-a-story-at-a-time", test_one_setup_a_story_at_a_time);
    TEST("pressure-holds-back", test_pressure_holds_back);
    TEST("service-that-goes-down-admits-nobody", test_service_that_goes_down_admits_nobody);
    TEST("half-done-start-is-not-quiet", test_half_done_start_is_not_quiet);
    return g_test_run();
}
