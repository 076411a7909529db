/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "printed-run.h"
#include "sinks/drain.h"

/*
 * Drain: each event to one caller, and for certain: what was given counts when the next call comes.
 */

typedef struct {
    Runs *runs;
    Drains *drains;
    Run *run;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->runs = runs_new();
    fixture->drains = drains_new(fixture->runs);
    fixture->run = printed_run("42", "one\ntwo\n");
    runs_add_ended(fixture->runs, fixture->run, TRUE);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    printed_folder_remove(fixture->run);
    drains_free(fixture->drains);
    runs_free(fixture->runs);
    run_unref(fixture->run);
}

typedef struct {
    gboolean given;
    gsize n; /* of events */
    GError *error;
} Answer;

static void take(GVariant *value, const GError *error, gpointer data)
{
    Answer *answer = data;
    g_assert_false(answer->given);
    answer->given = TRUE;
    answer->n = value ? g_variant_n_children(value) : 0;
    answer->error = error ? g_error_copy(error) : NULL;
}

static gsize drain(Fixture *fixture)
{
    Answer answer = {FALSE};
    drains_take(fixture->drains, fixture->run, take, &answer);
    while (!answer.given)
        g_main_context_iteration(NULL, TRUE);
    g_assert_no_error(answer.error);
    return answer.n;
}

static guint64 get_kept(const Fixture *fixture)
{
    return sink_cursors_get(run_get_cursors(fixture->run), SINK_DRAIN);
}

static void drop_drains(Fixture *fixture)
{
    drains_free(fixture->drains);
    fixture->drains = drains_new(fixture->runs);
}

static void test_each_event_once(Fixture *fixture, gconstpointer data)
{
    g_assert_cmpuint(drain(fixture), >=, 3); /* two lines and the end */
    g_assert_cmpuint(drain(fixture), ==, 0);
    g_assert_cmpuint(drain(fixture), ==, 0);
}

static void test_what_was_given_counts_with_the_next_call(Fixture *fixture, gconstpointer data)
{
    drain(fixture);
    g_assert_cmpuint(get_kept(fixture), ==, 0);
    drain(fixture);
    g_assert_cmpuint(get_kept(fixture), ==, run_get_last_cursor(fixture->run));
}

static void test_callers_are_answered_one_after_another(Fixture *fixture, gconstpointer data)
{
    Answer first = {FALSE}, second = {FALSE};
    drains_take(fixture->drains, fixture->run, take, &first);
    drains_take(fixture->drains, fixture->run, take, &second);
    while (!second.given)
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(first.given);
    g_assert_cmpuint(first.n, >=, 3);
    g_assert_cmpuint(second.n, ==, 0);
}

static void test_next_service_goes_on(Fixture *fixture, gconstpointer data)
{
    drain(fixture);
    drop_drains(fixture);
    g_assert_cmpuint(drain(fixture), ==, 0);
}

static void test_service_that_goes_down_gives_it_again(Fixture *fixture, gconstpointer data)
{
    Answer answer = {FALSE};
    drains_take(fixture->drains, fixture->run, take, &answer);
    drop_drains(fixture);
    g_assert_error(answer.error, STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN);
    g_clear_error(&answer.error);
    g_assert_cmpuint(drain(fixture), >=, 3);
}

static void test_run_taken_off_the_list(Fixture *fixture, gconstpointer data)
{
    Answer answer = {FALSE};
    drains_take(fixture->drains, fixture->run, take, &answer);
    runs_remove(fixture->runs, fixture->run);
    g_assert_error(answer.error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN);
    g_clear_error(&answer.error);
}

#define TEST(path, function) g_test_add("/drain/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("each-event-once", test_each_event_once);
    TEST("what-was-given-counts-with-the-next-call", test_what_was_given_counts_with_the_next_call);
    TEST("callers-are-answered-one-after-another", test_callers_are_answered_one_after_another);
    TEST("next-service-goes-on", test_next_service_goes_on);
    TEST("service-that-goes-down-gives-it-again", test_service_that_goes_down_gives_it_again);
    TEST("run-taken-off-the-list", test_run_taken_off_the_list);
    return g_test_run();
}
