/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "base/names.h"
#include "pool/family.h"
#include "printed-run.h"

/*
 * Families of runs: whose child a call makes, what a parent may start, and whom its Stop ends.
 */

typedef struct {
    Runs *runs;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->runs = runs_new();
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    runs_free(fixture->runs);
}

static const char *const may_start[] = {"coder", NULL};

/* A run of @story below @parent (NULL: none), which may have two children and @max_depth. */
static RunRecord *make_record(const char *story, const Run *parent, guint max_depth)
{
    RunRecord *record = fresh_record("/shop", story, "coder");
    g_free(record->unit);
    record->unit = run_unit_name(record->run_id);
    record->children.may_start = g_strdupv((char **)may_start);
    record->children.max_children = 2;
    record->children.max_depth = max_depth;
    const RunRecord *above = parent ? run_get_record(parent) : NULL;
    if (above)
        run_family_of_child(above->run_id, &above->family, above->children.max_depth,
                            &record->family);
    return record;
}

static Run *add_record(Fixture *fixture, RunRecord *record)
{
    g_autoptr(Run) run = run_new(record, NULL, NULL, &no_keeper, NULL);
    runs_add(fixture->runs, run);
    return run;
}

static Run *add(Fixture *fixture, const char *story, const Run *parent, guint max_depth)
{
    return add_record(fixture, make_record(story, parent, max_depth));
}

/* Who calls from the cgroup @below of the unit @unit. */
static Run *caller_in(Fixture *fixture, const char *unit, const char *below)
{
    g_autofree char *cgroup = g_build_filename("/sys/fs/cgroup/app.slice", unit, below, NULL);
    return family_find_by_cgroup(fixture->runs, cgroup);
}

static void test_the_outermost_scope_counts(Fixture *fixture, gconstpointer data)
{
    Run *one = add(fixture, "1", NULL, 9);
    Run *two = add(fixture, "2", NULL, 9);
    const char *first = run_get_record(one)->unit, *second = run_get_record(two)->unit;
    g_autofree char *longer = g_strconcat(first, "-not", NULL);
    g_assert_true(caller_in(fixture, first, "agent") == one);
    g_assert_true(caller_in(fixture, second, NULL) == two);
    g_assert_true(caller_in(fixture, first, second) == one);
    g_assert_true(caller_in(fixture, second, first) == two);
    g_assert_null(caller_in(fixture, longer, "agent"));
    g_assert_null(caller_in(fixture, "other.scope", "agent"));
}

static void assert_allowed(Fixture *fixture, const Run *parent, const char *agent, const char *why)
{
    Target target = {(char *)"/shop", (char *)"new", (char *)agent, NULL};
    g_autoptr(GError) error = NULL;
    gboolean allowed = family_check_start(fixture->runs, parent, &target, NULL, &error);
    g_assert_true(allowed == (why == NULL));
    if (!why)
        return;
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_ALLOWED);
    g_assert_nonnull(strstr(error->message, why));
}

static void test_each_key_bounds(Fixture *fixture, gconstpointer data)
{
    Run *root = add(fixture, "root", NULL, 2);
    assert_allowed(fixture, root, "coder", NULL);
    assert_allowed(fixture, root, "other", "may_start");
    Run *child = add(fixture, "child", root, 9);
    assert_allowed(fixture, root, "coder", NULL);
    Run *grandchild = add(fixture, "grandchild", child, 9);
    assert_allowed(fixture, child, "coder", NULL);
    assert_allowed(fixture, grandchild, "coder", "max_depth");
    add(fixture, "second", root, 9);
    assert_allowed(fixture, root, "coder", "max_children = 2");
    run_request_stop(child);
    assert_allowed(fixture, child, "coder", "stopped");
}

/* The bound of a run that is over and forgotten is in the records of those below it. */
static void test_ancestors_need_not_be_there(Fixture *fixture, gconstpointer data)
{
    Run *root = add(fixture, "root", NULL, 2);
    Run *child = add(fixture, "child", root, 9);
    g_autofree char *origin = g_strdup(run_get_id(root));
    runs_remove(fixture->runs, root);
    Run *grandchild = add(fixture, "grandchild", child, 9);
    assert_allowed(fixture, grandchild, "coder", "max_depth");
    g_assert_cmpstr(run_get_record(grandchild)->family.ancestors[0], ==, origin);
}

static void assert_below(Fixture *fixture, const Run *run, guint count)
{
    g_autoptr(GPtrArray) below = family_list_below(fixture->runs, run);
    g_assert_cmpuint(below->len, ==, count);
}

static void test_all_generations_are_below(Fixture *fixture, gconstpointer data)
{
    Run *root = add(fixture, "root", NULL, 9);
    Run *child = add(fixture, "child", root, 9);
    Run *grandchild = add(fixture, "grandchild", child, 9);
    add(fixture, "bystander", NULL, 9);
    assert_below(fixture, root, 2);
    assert_below(fixture, child, 1);
    assert_below(fixture, grandchild, 0);
}

/* It is the same work, and so the same parent. */
static void test_run_that_goes_on_has_the_children(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Run) first = run_ref(add(fixture, "work", NULL, 9));
    Run *child = add(fixture, "child", first, 9);
    for (guint i = 0; i < 2; i++) {
        const RunRecord *ended = run_get_record(first);
        RunRecord *next = make_record("work", NULL, 9);
        run_family_of_next(ended->run_id, &ended->family, &next->family);
        runs_remove(fixture->runs, first);
        run_unref(first);
        first = run_ref(add_record(fixture, next));
        assert_below(fixture, first, 1);
    }
    runs_remove(fixture->runs, child);
    assert_below(fixture, first, 0);
}

static void test_orphans_are_below_a_stopped_run(Fixture *fixture, gconstpointer data)
{
    Run *stopped = add(fixture, "stopped", NULL, 9);
    Run *ended = add(fixture, "ended", NULL, 9);
    Run *orphan = add(fixture, "orphan", stopped, 9);
    add(fixture, "child", ended, 9);
    run_take_found(stopped, printed_folder(""), run_result_new(OUTCOME_STOPPED, "stopped"));
    run_take_found(ended, printed_folder(""), run_result_new(OUTCOME_FAILED, "failed"));
    g_autoptr(GPtrArray) orphans = family_list_orphans(fixture->runs);
    g_assert_cmpuint(orphans->len, ==, 1);
    g_assert_true(orphans->pdata[0] == orphan);
    printed_folder_remove(stopped);
    printed_folder_remove(ended);
}

#define TEST(path, function) g_test_add("/family/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("the-outermost-scope-counts", test_the_outermost_scope_counts);
    TEST("each-key-bounds", test_each_key_bounds);
    TEST("ancestors-need-not-be-there", test_ancestors_need_not_be_there);
    TEST("all-generations-are-below", test_all_generations_are_below);
    TEST("run-that-goes-on-has-the-children", test_run_that_goes_on_has_the_children);
    TEST("orphans-are-below-a-stopped-run", test_orphans_are_below_a_stopped_run);
    return g_test_run();
}
