/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git-fixture.h"

#include "git/heads.h"
#include "git/kept.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Kept, kept_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Heads, heads_free)

/** Opens the repository of @fixture and gives it back; which one it was, as a number. */
static gsize open_once(Kept *kept, const Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Repo) repo = repo_open_kept(kept, fixture->root, NULL, NULL, &error);
    g_assert_no_error(error);
    return GPOINTER_TO_SIZE(repo->git);
}

/** Whether the kept one is taken again after @command. */
static gboolean is_kept_after(const Fixture *fixture, const char *command)
{
    g_autoptr(Kept) kept = kept_new();
    open_once(kept, fixture);
    run(fixture->root, command);
    git_repository *again = kept_take(kept, fixture->root);
    kept_give_back(kept, again);
    return again != NULL;
}

static void test_it_is_taken_again(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Kept) kept = kept_new();
    gsize first = open_once(kept, fixture);
    g_assert_cmpuint(open_once(kept, fixture), ==, first);
    g_assert_true(is_kept_after(fixture, "git commit -q --allow-empty -m more"));
}

static void test_it_is_not_after_a_change_of_settings(Fixture *fixture, gconstpointer data)
{
    static const char *const commands[] = {
        "git config core.ignoreCase true",
        "git config --global core.excludesFile none",
        "echo /nowhere >> .git/objects/info/alternates",
        "cp -r .git ../copy && rm -rf .git && mv ../copy .git",
        "mv .git ../moved && echo 'gitdir: ../moved' > .git",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_test_message("%s", commands[i]);
        g_assert_false(is_kept_after(fixture, commands[i]));
    }
}

static void test_what_is_in_use_is_not_given_twice(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Kept) kept = kept_new();
    open_once(kept, fixture);
    git_repository *one = kept_take(kept, fixture->root);
    g_assert_nonnull(one);
    g_assert_null(kept_take(kept, fixture->root));
    kept_give_back(kept, one);
}

static void test_a_kept_one_sees_what_others_do(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Kept) kept = kept_new();
    open_once(kept, fixture);
    run(fixture->root, "git switch -q -c other && git commit -q --allow-empty -m more && "
                       "git pack-refs --all && git gc -q");
    g_autofree char *id = output_of(fixture->root, "git rev-parse other");
    g_autoptr(Repo) repo = repo_open_kept(kept, fixture->root, NULL, NULL, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Worktree) worktree = worktree_plan(repo, "42", NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(worktree->base_branch, ==, "other");
    g_assert_cmpstr(worktree->base_commit, ==, g_strchomp(id));
    g_assert_true(worktree_create(repo, worktree, FALSE, NULL, &error));
}

static void assert_heads(Heads *heads, const Fixture *fixture, const char *head,
                         const char *expected)
{
    g_autofree char *admins = g_build_filename(fixture->root, ".git", "worktrees", NULL);
    g_auto(GStrv) names = heads_find(heads, admins, head);
    g_autofree char *text = g_strjoinv(" ", names);
    g_assert_cmpstr(text, ==, expected);
}

static void test_heads_are_as_they_are_now(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Heads) heads = heads_new();
    assert_heads(heads, fixture, "ref: refs/heads/one", "");
    run(fixture->root, "git worktree add -q -b one ../one && git worktree add -q -b two ../two");
    assert_heads(heads, fixture, "ref: refs/heads/one", "one");
    assert_heads(NULL, fixture, "ref: refs/heads/two", "two");
    run(fixture->folder, "git -C one switch -q -c three");
    assert_heads(heads, fixture, "ref: refs/heads/one", "");
    assert_heads(heads, fixture, "ref: refs/heads/three", "one");
    run(fixture->root, "git worktree remove ../one");
    assert_heads(heads, fixture, "ref: refs/heads/three", "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_init();
    TEST("/kept/is-taken-again", test_it_is_taken_again);
    TEST("/kept/is-not-after-a-change-of-settings", test_it_is_not_after_a_change_of_settings);
    TEST("/kept/what-is-in-use-is-not-given-twice", test_what_is_in_use_is_not_given_twice);
    TEST("/kept/sees-what-others-do", test_a_kept_one_sees_what_others_do);
    TEST("/kept/heads-are-as-they-are-now", test_heads_are_as_they_are_now);
    int result = g_test_run();
    fixture_finish();
    return result;
}
