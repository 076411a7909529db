/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "printed-run.h"
#include "run/register.h"

/*
 * The register of runs: which one a key means, what List shows, and who hears of it.
 */

typedef struct {
    Runs *runs;
    GString *heard; /* a letter for each piece of news */
} Fixture;

static void hear(const RunNews *news, gpointer data)
{
    static const char letters[] = {
        [NEWS_ADDED] = 'a', [NEWS_VISIBLE] = 'v', [NEWS_OUTPUT] = 'o', [NEWS_EVENTS] = 'e',
        [NEWS_NOTE] = 'n',  [NEWS_CHANGED] = 'c', [NEWS_COUNTS] = '#'};
    g_string_append_c(data, letters[news->kind]);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->runs = runs_new();
    fixture->heard = g_string_new(NULL);
    runs_add_listener(fixture->runs, hear, fixture->heard);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    runs_free(fixture->runs);
    g_string_free(fixture->heard, TRUE);
}

static Run *add_live(Fixture *fixture, const char *story)
{
    g_autoptr(Run) run = fresh_run("/shop", story, "coder");
    runs_add(fixture->runs, run);
    return run;
}

static Run *add_ended(Fixture *fixture, const char *story, gboolean listed)
{
    g_autoptr(Run) run = printed_run(story, "hello\n");
    runs_add_ended(fixture->runs, run, listed);
    printed_folder_remove(run);
    return run;
}

static Run *lookup(Fixture *fixture, const char *story)
{
    return runs_lookup(fixture->runs, "/shop", story, "coder");
}

static void test_key_means_the_live_run(Fixture *fixture, gconstpointer data)
{
    Run *live = add_live(fixture, "42");
    add_ended(fixture, "42", TRUE);
    g_assert_true(lookup(fixture, "42") == live);
    g_assert_null(runs_lookup(fixture->runs, "/shop", "42", "other"));
    g_assert_null(runs_lookup(fixture->runs, "/other", "42", "coder"));
}

static void test_key_means_the_newest_that_is_listed(Fixture *fixture, gconstpointer data)
{
    add_ended(fixture, "42", TRUE);
    Run *listed = add_ended(fixture, "42", TRUE);
    Run *hidden = add_ended(fixture, "42", FALSE);
    g_assert_true(lookup(fixture, "42") == listed);
    g_assert_true(runs_find(fixture->runs, run_get_id(hidden)) == hidden);
    g_assert_false(runs_is_listed(fixture->runs, hidden));
}

static void test_new_run_replaces_the_ended_of_its_key(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Run) old = run_ref(add_ended(fixture, "42", TRUE));
    Run *other = add_ended(fixture, "7", TRUE);
    Run *live = add_live(fixture, "42");
    runs_replace_older(fixture->runs, live);
    g_assert_null(runs_find(fixture->runs, run_get_id(old)));
    g_assert_false(runs_is_listed(fixture->runs, old));
    g_assert_true(lookup(fixture, "42") == live);
    g_assert_true(lookup(fixture, "7") == other);
    g_assert_cmpstr(fixture->heard->str, ==, "ac");
}

static void test_of_those_found_only_the_newest_stays(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Run) older = run_ref(add_ended(fixture, "42", TRUE));
    Run *newer = add_ended(fixture, "42", TRUE);
    /* Where the newest was taken off the list, those before it do not come back. */
    g_autoptr(Run) before = run_ref(add_ended(fixture, "7", TRUE));
    g_autoptr(Run) removed = run_ref(add_ended(fixture, "7", FALSE));
    runs_forget_replaced(fixture->runs);
    g_assert_null(runs_find(fixture->runs, run_get_id(older)));
    g_assert_true(lookup(fixture, "42") == newer);
    g_assert_null(lookup(fixture, "7"));
    g_assert_null(runs_find(fixture->runs, run_get_id(before)));
    g_assert_null(runs_find(fixture->runs, run_get_id(removed)));
}

static void test_run_becomes_visible_once(Fixture *fixture, gconstpointer data)
{
    Run *run = add_live(fixture, "42");
    g_assert_true(runs_is_listed(fixture->runs, run));
    g_assert_false(runs_is_shown(fixture->runs, run));
    runs_make_visible(fixture->runs, run);
    runs_make_visible(fixture->runs, run);
    g_assert_true(runs_is_shown(fixture->runs, run));
    g_assert_cmpstr(fixture->heard->str, ==, "acv");
}

static void test_run_that_was_removed_is_told_of_and_never_visible(Fixture *fixture,
                                                                   gconstpointer data)
{
    g_autoptr(Run) run = run_ref(add_live(fixture, "42"));
    runs_remove(fixture->runs, run);
    runs_remove(fixture->runs, run);
    runs_make_visible(fixture->runs, run);
    g_assert_false(runs_is_shown(fixture->runs, run));
    g_assert_cmpstr(fixture->heard->str, ==, "ac");
}

static void test_queued_and_ended_do_not_count_as_running(Fixture *fixture, gconstpointer data)
{
    add_live(fixture, "1");
    run_enqueue(add_live(fixture, "2"));
    add_ended(fixture, "3", TRUE);
    g_assert_cmpuint(runs_count_running(fixture->runs), ==, 1);
}

static void test_state_is_made_once_until_something_changes(Fixture *fixture, gconstpointer data)
{
    Run *run = add_ended(fixture, "42", TRUE);
    g_autoptr(GVariant) first = runs_get_state(fixture->runs, run);
    g_autoptr(GVariant) again = runs_get_state(fixture->runs, run);
    g_assert_true(again == first);
    runs_tell_changed(fixture->runs, add_live(fixture, "7"));
    g_autoptr(GVariant) other_changed = runs_get_state(fixture->runs, run);
    g_assert_true(other_changed == first);
    runs_tell(fixture->runs, &(RunNews){.kind = NEWS_EVENTS, .run = run});
    g_autoptr(GVariant) changed = runs_get_state(fixture->runs, run);
    g_assert_true(changed != first);
    g_assert_true(g_variant_equal(changed, first));
}

static void test_state_before_it_runs_is_always_new(Fixture *fixture, gconstpointer data)
{
    Run *run = add_live(fixture, "42");
    g_autoptr(GVariant) before = runs_get_state(fixture->runs, run);
    run_set_queue_position(run, 3); /* nobody is told yet */
    g_autoptr(GVariant) after = runs_get_state(fixture->runs, run);
    guint position;
    g_assert_false(g_variant_lookup(before, "queue_position", "u", &position));
    g_assert_true(g_variant_lookup(after, "queue_position", "u", &position));
}

static gboolean is_wanted(const Run *run, gconstpointer data)
{
    return run != data;
}

static void test_live_of_a_story_are_found(Fixture *fixture, gconstpointer data)
{
    Run *first = add_live(fixture, "42");
    g_autoptr(Run) second = fresh_run("/shop", "42", "reviewer");
    runs_add(fixture->runs, second);
    add_ended(fixture, "7", TRUE);
    Runs *runs = fixture->runs;
    g_assert_true(runs_find_live_of(runs, "/shop", "42", NULL, is_wanted, NULL) == first);
    g_assert_true(runs_find_live_of(runs, "/shop", "42", first, is_wanted, NULL) == second);
    g_assert_null(runs_find_live_of(runs, "/shop", "42", first, is_wanted, second));
    g_assert_null(runs_find_live_of(runs, "/shop", "7", NULL, is_wanted, NULL));
    g_assert_null(runs_find_live_of(runs, "/other", "42", NULL, is_wanted, NULL));
}

static void test_session_outlives_its_run(Fixture *fixture, gconstpointer data)
{
    RunResult *result = run_result_new(OUTCOME_COMPLETED, NULL);
    result->facts.session_id = g_strdup("abc");
    g_autoptr(Run) run = fresh_run("/shop", "42", "coder");
    run_take_found(run, printed_folder(""), result);
    printed_folder_remove(run);
    runs_add_ended(fixture->runs, run, TRUE);
    runs_keep_session(fixture->runs, run);
    runs_remove(fixture->runs, run);
    runs_keep_session(fixture->runs, add_live(fixture, "42")); /* that has none yet */
    g_assert_cmpstr(runs_last_session(fixture->runs, "/shop", "42", "coder"), ==, "abc");
    g_assert_null(runs_last_session(fixture->runs, "/shop", "42", "reviewer"));
}

static void test_listener_that_left_hears_nothing(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GString) other = g_string_new(NULL);
    runs_add_listener(fixture->runs, hear, other);
    runs_tell_counts(fixture->runs);
    runs_remove_listener(fixture->runs, fixture->heard);
    runs_tell_counts(fixture->runs);
    g_assert_cmpstr(fixture->heard->str, ==, "#");
    g_assert_cmpstr(other->str, ==, "##");
}

#define TEST(path, function)                                                                       \
    g_test_add("/register/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("key-means-the-live-run", test_key_means_the_live_run);
    TEST("key-means-the-newest-that-is-listed", test_key_means_the_newest_that_is_listed);
    TEST("new-run-replaces-the-ended-of-its-key", test_new_run_replaces_the_ended_of_its_key);
    TEST("of-those-found-only-the-newest-stays", test_of_those_found_only_the_newest_stays);
    TEST("run-becomes-visible-once", test_run_becomes_visible_once);
    TEST("run-that-was-removed-is-told-of-and-never-visible",
         test_run_that_was_removed_is_told_of_and_never_visible);
    TEST("queued-and-ended-do-not-count-as-running", test_queued_and_ended_do_not_count_as_running);
    TEST("state-is-made-once-until-something-changes",
         test_state_is_made_once_until_something_changes);
    TEST("state-before-it-runs-is-always-new", test_state_before_it_runs_is_always_new);
    TEST("live-of-a-story-are-found", test_live_of_a_story_are_found);
    TEST("session-outlives-its-run", test_session_outlives_its_run);
    TEST("listener-that-left-hears-nothing", test_listener_that_left_hears_nothing);
    return g_test_run();
}
