/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git-fixture.h"

#include "git/remove.h"
#include "git/status.h"
#include "git/untouched.h"

static gboolean remove_worktree(const Fixture *fixture, const char *story, gboolean force,
                                GError **error)
{
    g_autoptr(Repo) repo = repo_open(fixture->root, NULL, NULL, error);
    return repo && worktree_remove(repo, story, force, error);
}

static GPtrArray *list_worktrees(const Fixture *fixture)
{
    g_autoptr(Repo) repo = repo_open(fixture->root, NULL, NULL, NULL);
    return worktree_list(repo);
}

static WorktreeStatus *find_worktree(const Fixture *fixture, const char *story)
{
    g_autoptr(Repo) repo = repo_open(fixture->root, NULL, NULL, NULL);
    return worktree_status(repo, story);
}

/** The branch that a quick look at the story's worktree tells, or NULL. */
static char *look_quickly(const Fixture *fixture)
{
    g_autoptr(Repo) repo = repo_open(fixture->root, NULL, NULL, NULL);
    g_autoptr(Found) found = found_new(repo, "42");
    char *branch = untouched_branch(found);

    g_assert_null(found->tree);
    return branch;
}

static void assert_refused(const Fixture *fixture, const char *part)
{
    g_autofree char *before = output_of(fixture->root, "git worktree list; git branch");
    g_autoptr(GError) error = NULL;

    assert_failed(!remove_worktree(fixture, "42", FALSE, &error), &error,
                  STORKIT_ERROR_WORKTREE_DIRTY, part);
    assert_output(fixture->root, "git worktree list; git branch", before);
}

static void remove_one(const Fixture *fixture, gboolean force)
{
    g_autoptr(GError) error = NULL;

    remove_worktree(fixture, "42", force, &error);
    g_assert_no_error(error);
    run(fixture->root, "git fsck --strict 2>&1");
    assert_output(fixture->root, "git worktree list | wc -l; ls -A .storkit 2>&1 || true",
                  "1\nls: cannot access '.storkit': No such file or directory\n");
}

static void assert_branch_is_gone(const Fixture *fixture)
{
    assert_output(fixture->root, "git branch; git config --get-regexp 'branch.story.*' || true",
                  "* main\n");
}

static void assert_branch_is_kept(const Fixture *fixture)
{
    assert_output(fixture->root, "git branch", "* main\n  story/42\n");
}

/** It is refused with @part in the message, and forced it is gone. */
static void assert_refused_and_forced(const Fixture *fixture, const char *part)
{
    assert_refused(fixture, part);
    remove_one(fixture, TRUE);
    assert_branch_is_gone(fixture);
}

static void test_clean_one_goes_with_its_branch(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "echo ignored > .gitignore && git add . && git commit -qm ignore");
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "touch ignored && mkdir empty");
    remove_one(fixture, FALSE);
    assert_branch_is_gone(fixture);
}

static void test_merged_one_goes_with_its_branch(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git commit -q --allow-empty -m work");
    run(fixture->root, "git merge -q --no-ff -m merge story/42");
    remove_one(fixture, FALSE);
    assert_branch_is_gone(fixture);
}

static void test_pushed_one_goes_with_its_branch(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git commit -q --allow-empty -m work && "
                        "git update-ref refs/remotes/origin/story/42 HEAD");
    remove_one(fixture, FALSE);
    assert_branch_is_gone(fixture);
}

static void test_changed_file_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "echo more >> README");
    assert_refused_and_forced(fixture, "1 uncommitted file (README)");
}

static void test_untracked_and_staged_files_are_counted(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "touch a b c d e f && git add a");
    assert_refused_and_forced(fixture, "6 uncommitted files (a, b, c, d, e, …)");
}

static void test_unmerged_commit_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git commit -q --allow-empty -m one && git tag v1 && "
                        "git commit -q --allow-empty -m two");
    assert_refused_and_forced(fixture, "2 commits on no other branch (");
}

static void test_commits_on_a_detached_head_are_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git switch -q --detach && git commit -q --allow-empty -m afloat");
    assert_refused_and_forced(fixture, " afloat)");
}

static void test_commits_on_another_branch_stay_there(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git switch -qc other && git commit -q --allow-empty -m there");
    remove_one(fixture, FALSE);
    assert_output(fixture->root, "git branch", "* main\n  other\n");
}

/** It is refused with @part in the message, and listed as dirty. */
static void assert_dirty(const Fixture *fixture, const char *part)
{
    g_autoptr(GPtrArray) list = list_worktrees(fixture);

    g_assert_true(((WorktreeStatus *)list->pdata[0])->dirty);
    assert_refused(fixture, part);
}

/** It is listed as clean, and goes. */
static void assert_clean(const Fixture *fixture)
{
    g_autoptr(GPtrArray) list = list_worktrees(fixture);

    remove_one(fixture, FALSE);
    g_assert_false(((WorktreeStatus *)list->pdata[0])->dirty);
}

static void test_commits_that_a_detached_head_left_are_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git switch -q --detach && git commit -q --allow-empty -m draft && "
                        "git commit -q --amend --allow-empty -m left && git switch -q story/42");
    assert_dirty(fixture, "1 commit on no other branch (");
    assert_refused(fixture, " left)");
    run(fixture->root, "rm -rf .storkit");
    assert_dirty(fixture, " left)");
    remove_one(fixture, TRUE);
}

static void test_detached_commits_of_a_leftover_are_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git switch -q --detach && git commit -q --allow-empty -m afloat");
    run(fixture->root, "rm -rf .storkit");
    assert_dirty(fixture, " afloat)");
}

static void test_commits_that_a_reference_of_the_worktree_has_are_refused(Fixture *fixture,
                                                                          gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git commit -q --allow-empty -m lost && "
                        "git update-ref refs/worktree/some/where HEAD && "
                        "git reset -q --hard HEAD~1");
    assert_refused_and_forced(fixture, "lost");
}

static void test_unfinished_rebase_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "echo a > a && git add a && git commit -qm one && "
                        "git commit -q --allow-empty -m two");
    run(fixture->root, "git merge -q --ff-only story/42");
    /* All that is left of the change to `a` is the autostash. */
    run(worktree->path, "echo more >> a && "
                        "GIT_SEQUENCE_EDITOR='sed -i s/^pick/edit/' "
                        "git rebase -q -i --autostash --keep-empty HEAD~1 2>/dev/null && "
                        "test -e $(git rev-parse --git-dir)/rebase-merge/autostash");
    assert_output(worktree->path, "git status --porcelain", "");
    assert_refused_and_forced(fixture, "an unfinished rebase or merge");
}

static void test_bisect_is_no_work(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git bisect start && git bisect bad");
    remove_one(fixture, FALSE);
    assert_branch_is_gone(fixture);
}

static void test_commits_that_a_branch_or_a_tag_has_are_not_left(Fixture *fixture,
                                                                 gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git switch -q --detach && git commit -q --allow-empty -m one && "
                        "git branch kept && git commit -q --allow-empty -m two && "
                        "git tag v1 && git switch -q story/42");
    assert_clean(fixture);
}

static void test_rewritten_commits_are_no_work(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(fixture->root, "git commit -q --allow-empty -m main");
    run(worktree->path, "git commit -q --allow-empty -m draft && "
                        "git commit -q --amend --allow-empty -m better && git rebase -q main");
    run(fixture->root, "git merge -q story/42");
    assert_clean(fixture);
}

static void test_changes_that_git_was_told_to_overlook_are_refused(Fixture *fixture,
                                                                   gconstpointer data)
{
    static const char *const flags[] = {"assume-unchanged", "skip-worktree"};
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
        g_autofree char *hide = g_strdup_printf(
            "git update-index --%s README && echo HELLO > README && test -z \"$(git status -s)\"",
            flags[i]);
        g_autofree char *show =
            g_strdup_printf("echo hello > README && git update-index --no-%s README", flags[i]);

        run(worktree->path, hide);
        assert_dirty(fixture, "1 uncommitted file (README)");
        run(worktree->path, show);
    }
    assert_clean(fixture);
}

static void test_overlooked_files_without_changes_are_no_work(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "touch gone && ln -s README link && git add . && git commit -qm files");
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "git update-index --skip-worktree README gone link && rm gone && "
                        "touch -d 2020-01-01 README");
    assert_clean(fixture);
}

static void test_an_overlooked_link_that_leads_elsewhere_is_refused(Fixture *fixture,
                                                                    gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "ln -s README link && git add . && git commit -qm link");
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "git update-index --assume-unchanged link && ln -sf elsewhere link");
    assert_dirty(fixture, "1 uncommitted file (link)");
}

static void test_reason_of_a_lock_is_fit_for_a_message(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    worktree_free(make_worktree(fixture, "42"));
    run(fixture->root, "git worktree lock --reason \"$(printf 'caf\351\nand more')\" "
                       ".storkit/worktrees/42");
    g_assert_false(remove_worktree(fixture, "42", FALSE, &error));
    g_assert_nonnull(strstr(error->message, "locked: caf\uFFFD\uFFFDand more: run "));
}

static void test_locked_one_is_refused(Fixture *fixture, gconstpointer data)
{
    worktree_free(make_worktree(fixture, "42"));
    run(fixture->root, "git worktree lock --reason 'in a demo' .storkit/worktrees/42");
    assert_refused_and_forced(fixture, "locked: in a demo");
}

static void test_leftover_goes_and_unmerged_branch_stays(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "git commit -q --allow-empty -m work");
    run(fixture->root, "rm -rf .storkit");
    remove_one(fixture, FALSE);
    assert_branch_is_kept(fixture);
    remove_one(fixture, TRUE);
    assert_branch_is_gone(fixture);
}

static void test_leftover_goes_with_a_merged_branch(Fixture *fixture, gconstpointer data)
{
    worktree_free(make_worktree(fixture, "42"));
    run(fixture->root, "rm -rf .storkit");
    remove_one(fixture, FALSE);
    assert_branch_is_gone(fixture);
}

static void test_removals_that_were_cut_off_are_finished(Fixture *fixture, gconstpointer data)
{
    const char *cut_off = "mkdir -p .storkit/worktrees/.41.removing/some && "
                          "echo x > .storkit/worktrees/.41.removing/some/file";
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, cut_off);
    worktree = make_worktree(fixture, "42");
    assert_output(fixture->root, "ls -A .storkit/worktrees", "42\n");
    run(fixture->root, cut_off);
    remove_one(fixture, FALSE);
    assert_branch_is_gone(fixture);
}

static void test_missing_one_is_an_error(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    assert_failed(!remove_worktree(fixture, "42", TRUE, &error), &error,
                  STORKIT_ERROR_WORKTREE_FAILED, "no worktree");
}

static void test_foreign_folder_is_never_touched(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    run(fixture->root, "mkdir -p .storkit/worktrees/42/mine");
    assert_failed(!remove_worktree(fixture, "42", TRUE, &error), &error,
                  STORKIT_ERROR_WORKTREE_FAILED, "not the git worktree");
    assert_output(fixture->root, "ls .storkit/worktrees/42", "mine\n");
}

static void test_story_that_is_a_path_is_invalid(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    assert_failed(!remove_worktree(fixture, "../..", TRUE, &error), &error,
                  STORKIT_ERROR_INVALID_ARGUMENT, "story id");
}

static void test_nested_repository_with_work_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "echo deps > .gitignore && git add . && git commit -qm ignore");
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "git clone -q --depth 1 \"file://$PWD/../../..\" deps/shallow && "
                        "git clone -q ../../.. deps/dep");
    {
        g_autoptr(GPtrArray) list = list_worktrees(fixture);
        g_assert_false(((WorktreeStatus *)list->pdata[0])->dirty);
    }
    run(worktree->path, "cd deps/dep && git commit -q --allow-empty -m inside");
    assert_refused(fixture, " inside)");
    run(worktree->path, "cd deps/dep && git push -q origin HEAD:refs/heads/tmp && "
                        "touch untracked && git -C ../../../../.. branch -qD tmp");
    assert_refused_and_forced(fixture, "deps/dep/untracked");
}

static void test_shallow_clone_counts_its_commits(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "for i in 2 3 4; do git commit -q --allow-empty -m $i; done");
    run(fixture->folder,
        "mv project origin && git clone -q --depth 2 \"file://$PWD/origin\" project");
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "git commit -q --allow-empty -m one && git commit -q --allow-empty -m two");
    assert_refused_and_forced(fixture, "2 commits on no other branch");
}

/** A worktree with the submodule `sub`, initialized in it. */
static Worktree *worktree_with_submodule(const Fixture *fixture)
{
    Worktree *worktree;

    run(fixture->folder, "git init -q other && cd other && touch x && git add . && "
                         "git commit -qm x && cd ../project && "
                         "git -c protocol.file.allow=always submodule add -q ../other sub 2>&1 && "
                         "git commit -qm sub");
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "git -c protocol.file.allow=always submodule update -q --init 2>&1");
    return worktree;
}

static void test_clean_submodule_goes(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = worktree_with_submodule(fixture);

    remove_one(fixture, FALSE);
}

static void test_submodule_with_commits_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = worktree_with_submodule(fixture);

    run(worktree->path, "git -C sub commit -q --allow-empty -m inside && git commit -qam sub2");
    run(fixture->root, "git merge -q story/42 2>&1");
    assert_refused(fixture, "1 commit on no other branch (");
    run(worktree->path, "git submodule deinit -q -f sub 2>&1");
    assert_refused(fixture, " inside)");
    remove_one(fixture, TRUE);
}

static void test_filtered_files_are_no_work(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "echo '*.up filter=upper' > .gitattributes && echo text > a.up && "
                       "git add . && git commit -qm filter && "
                       "git config filter.upper.smudge 'tr a-z A-Z' && "
                       "git config filter.upper.clean 'tr A-Z a-z'");
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "touch -d '2020-01-01' a.up");
    remove_one(fixture, FALSE);
    assert_branch_is_gone(fixture);
}

static void test_overlooked_changes_of_filtered_files_are_refused(Fixture *fixture,
                                                                  gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "echo '*.up filter=upper' > .gitattributes && echo text > a.up && "
                       "git add . && git commit -qm filter && "
                       "git config filter.upper.smudge 'tr a-z A-Z' && "
                       "git config filter.upper.clean 'tr A-Z a-z'");
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "git update-index --assume-unchanged a.up && echo WORK > a.up");
    assert_dirty(fixture, "1 uncommitted file (a.up)");
    run(worktree->path, "echo TEXT > a.up");
    assert_clean(fixture);
}

static void test_sparse_checkout_is_no_work(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "mkdir in out && touch in/a out/b && git add . && git commit -qm folders && "
                       "git sparse-checkout set in 2>&1");
    worktree_free(make_worktree(fixture, "42"));
    remove_one(fixture, FALSE);
}

static void test_sparse_index_is_read_by_git(Fixture *fixture, gconstpointer data)
{
    run(fixture->root,
        "mkdir -p in out/deep && touch in/a out/deep/b && git add . && "
        "git commit -qm folders && git sparse-checkout init --cone --sparse-index && "
        "git sparse-checkout set in 2>&1");
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    g_autoptr(GError) error = NULL;
    g_autoptr(Worktree) again = plan_worktree(fixture->root, "42", NULL, &error);
    g_assert_no_error(error);
    run(worktree->path, "echo more >> in/a");
    assert_dirty(fixture, "in/a");
    run(worktree->path, "git checkout -q in/a");
    remove_one(fixture, FALSE);
}

/* An agent may do that in its own tree, later. */
static void test_tree_that_turns_sparse_is_read_by_git(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "mkdir in out && touch in/a out/b && git add . && git commit -qm folders");
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    run(worktree->path, "git sparse-checkout set --cone --sparse-index in 2>&1");
    remove_one(fixture, FALSE);
}

static void test_partial_clones_are_served(Fixture *fixture, gconstpointer filter)
{
    g_autofree char *clone =
        g_strdup_printf("git -C project config uploadpack.allowFilter true && "
                        "mkdir project/d && echo d > project/d/d && git -C project add . && "
                        "git -C project commit -qm d && mv project origin && "
                        "git clone -q --filter=%s \"file://$PWD/origin\" project",
                        (const char *)filter);
    run(fixture->folder, clone);
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    assert_output(worktree->path, "cat d/d; git status --porcelain", "d\n");
    run(worktree->path, "git commit -q --allow-empty -m work");
    assert_refused_and_forced(fixture, " work)");
}

/* What the base has got by another way than a merge is not lost. */

static Worktree *worktree_with_two_commits(const Fixture *fixture)
{
    Worktree *worktree = make_worktree(fixture, "42");
    run(worktree->path, "echo 1 > new && git add new && git commit -qm one && "
                        "echo 2 >> new && git commit -qam two");
    return worktree;
}

static void test_squash_merged_one_goes(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = worktree_with_two_commits(fixture);
    assert_refused(fixture, "2 commits");
    run(fixture->root, "git merge -q --squash story/42 && git commit -qm squashed && "
                       "echo more >> README && git commit -qam later");
    remove_one(fixture, FALSE);
    assert_branch_is_gone(fixture);
}

static void test_cherry_picked_one_goes(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = worktree_with_two_commits(fixture);
    run(fixture->root, "echo more >> README && git commit -qam before && "
                       "git cherry-pick main~1..story/42 2>&1");
    remove_one(fixture, FALSE);
    assert_branch_is_gone(fixture);
}

static void test_half_picked_one_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = worktree_with_two_commits(fixture);
    run(fixture->root, "git cherry-pick story/42~1 2>&1");
    assert_refused(fixture, " two");
}

static void test_squash_merged_at_the_remote_goes(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = worktree_with_two_commits(fixture);
    run(fixture->root, "git remote add origin /nowhere && git switch -qc tmp && "
                       "git merge -q --squash story/42 && git commit -qm squashed && "
                       "git update-ref refs/remotes/origin/main tmp && git switch -q main && "
                       "git branch -qD tmp");
    remove_one(fixture, FALSE);
}

static void test_renamed_branch_keeps_its_base(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "git branch dev");
    g_autoptr(GError) error = NULL;
    g_autoptr(Worktree) worktree = plan_worktree(fixture->root, "42", "dev", &error);
    create_worktree(worktree, FALSE, NULL, &error);
    g_assert_no_error(error);
    run(worktree->path, "git branch -m feature");
    g_autoptr(WorktreeStatus) status = find_worktree(fixture, "42");
    g_assert_cmpstr(status->base_branch, ==, "dev");
    g_autoptr(Worktree) again = plan_worktree(fixture->root, "42", NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(again->base_branch, ==, "dev");
}

static void test_list_tells_what_each_holds(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(Worktree) a = make_worktree(fixture, "a");
    g_autoptr(Worktree) b = make_worktree(fixture, "b");
    const WorktreeStatus *first, *second;

    worktree_free(make_worktree(fixture, "c"));
    run(fixture->root, "git worktree add -q ../foreign && rm -rf .storkit/worktrees/c");
    run(a->path, "git commit -q --allow-empty -m one && git switch -qc elsewhere main");
    run(b->path, "touch new");
    list = list_worktrees(fixture);
    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 3);
    first = list->pdata[0];
    g_assert_cmpstr(first->story, ==, "a");
    g_assert_cmpstr(first->path, ==, a->path);
    g_assert_cmpstr(first->branch, ==, "elsewhere");
    g_assert_cmpstr(first->base_branch, ==, "main");
    g_assert_cmpuint(first->ahead, ==, 1);
    g_assert_false(first->dirty || first->missing);
    second = list->pdata[1];
    g_assert_cmpuint(second->ahead, ==, 0);
    g_assert_true(second->dirty && !second->missing);
    g_assert_true(((WorktreeStatus *)list->pdata[2])->missing);
}

static void test_status_is_of_one(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    g_autoptr(WorktreeStatus) status = NULL;

    run(worktree->path, "echo new > new");
    status = find_worktree(fixture, "42");
    g_assert_cmpstr(status->path, ==, worktree->path);
    g_assert_true(status->dirty && !status->missing);
    g_assert_null(find_worktree(fixture, "43"));
    g_assert_null(find_worktree(fixture, ".."));
}

static void test_list_makes_names_of_branches_printable(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    g_autoptr(GPtrArray) list = NULL;
    WorktreeStatus *status;

    run(worktree->path, "git switch -qc \"$(printf 'caf\\351')\"");
    list = list_worktrees(fixture);
    g_assert_cmpuint(list->len, ==, 1);
    status = list->pdata[0];
    g_assert_cmpstr(status->branch, ==, "caf\xef\xbf\xbd");
}

static void test_list_of_a_project_without_any_is_empty(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) list = list_worktrees(fixture);

    g_assert_cmpuint(list->len, ==, 0);
}

/** What a new worktree of @fixture is for a quick look after @command. */
static char *branch_after(const Fixture *fixture, const char *command)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    g_autoptr(GError) error = NULL;

    run(worktree->path, command);
    char *branch = look_quickly(fixture);
    remove_worktree(fixture, "42", TRUE, &error);
    g_assert_no_error(error);
    return branch;
}

static void check_branch_after(const Fixture *fixture, const char *const *commands,
                               const char *expected)
{
    for (; *commands; commands++) {
        g_autofree char *branch = branch_after(fixture, *commands);
        g_test_message("%s", *commands);
        g_assert_cmpstr(branch, ==, expected);
    }
}

static void test_untouched_one_is_known_by_a_quick_look(Fixture *fixture, gconstpointer data)
{
    static const char *const commands[] = {
        "true",
        "git commit -q --allow-empty -m more",
        "echo two > folder/two && git add . && git commit -qm two",
        "cp README copy && mv copy README", /* another inode, other times */
        "mkdir empty",
        "git worktree lock .",
        "touch \"$(git rev-parse --git-dir)/storkit-claim\"",
        "git switch -q -c other && git switch -q story/42",
        NULL,
    };
    run(fixture->root, "mkdir folder && touch folder/one && ln -s folder/one link && "
                       "touch run && chmod +x run && git add . && git commit -qm files");
    check_branch_after(fixture, commands, "story/42");
}

static void test_touched_one_needs_a_proper_look(Fixture *fixture, gconstpointer data)
{
    static const char *const commands[] = {
        "touch new",
        "touch ignored",
        "rm README",
        "chmod +x README",
        "echo hallo > README", /* of the same size */
        "ln -sf elsewhere link",
        "rm link && cp README link",
        "touch new && git add -N new",
        "echo more > README && git add . && git show HEAD:README > README",
        "git update-index --assume-unchanged README",
        "git update-index --skip-worktree README",
        "git init -q empty",
        "git switch -q --detach",
        "git switch -q --detach && git commit -q --allow-empty -m left && git switch -q story/42",
        "git update-ref refs/worktree/mine HEAD",
        "git bisect start -q",
        NULL,
    };
    run(fixture->root, "echo ignored > .gitignore && ln -s README link && git add . && "
                       "git commit -qm files");
    check_branch_after(fixture, commands, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_init();
    TEST("/worktree-remove/clean-one-goes-with-its-branch", test_clean_one_goes_with_its_branch);
    TEST("/worktree-remove/merged-one-goes-with-its-branch", test_merged_one_goes_with_its_branch);
    TEST("/worktree-remove/pushed-one-goes-with-its-branch", test_pushed_one_goes_with_its_branch);
    TEST("/worktree-remove/changed-file-is-refused", test_changed_file_is_refused);
    TEST("/worktree-remove/untracked-and-staged-files-are-counted",
         test_untracked_and_staged_files_are_counted);
    TEST("/worktree-remove/unmerged-commit-is-refused", test_unmerged_commit_is_refused);
    TEST("/worktree-remove/commits-on-a-detached-head-are-refused",
         test_commits_on_a_detached_head_are_refused);
    TEST("/worktree-remove/commits-on-another-branch-stay-there",
         test_commits_on_another_branch_stay_there);
    TEST("/worktree-remove/commits-that-a-detached-head-left-are-refused",
         test_commits_that_a_detached_head_left_are_refused);
    TEST("/worktree-remove/detached-commits-of-a-leftover-are-refused",
         test_detached_commits_of_a_leftover_are_refused);
    TEST("/worktree-remove/commits-that-a-branch-or-a-tag-has-are-not-left",
         test_commits_that_a_branch_or_a_tag_has_are_not_left);
    TEST("/worktree-remove/commits-that-a-reference-of-the-worktree-has-are-refused",
         test_commits_that_a_reference_of_the_worktree_has_are_refused);
    TEST("/worktree-remove/unfinished-rebase-is-refused", test_unfinished_rebase_is_refused);
    TEST("/worktree-remove/bisect-is-no-work", test_bisect_is_no_work);
    TEST("/worktree-remove/rewritten-commits-are-no-work", test_rewritten_commits_are_no_work);
    TEST("/worktree-remove/changes-that-git-was-told-to-overlook-are-refused",
         test_changes_that_git_was_told_to_overlook_are_refused);
    TEST("/worktree-remove/overlooked-files-without-changes-are-no-work",
         test_overlooked_files_without_changes_are_no_work);
    TEST("/worktree-remove/an-overlooked-link-that-leads-elsewhere-is-refused",
         test_an_overlooked_link_that_leads_elsewhere_is_refused);
    TEST("/worktree-remove/locked-one-is-refused", test_locked_one_is_refused);
    TEST("/worktree-remove/reason-of-a-lock-is-fit-for-a-message",
         test_reason_of_a_lock_is_fit_for_a_message);
    TEST("/worktree-remove/leftover-goes-and-unmerged-branch-stays",
         test_leftover_goes_and_unmerged_branch_stays);
    TEST("/worktree-remove/leftover-goes-with-a-merged-branch",
         test_leftover_goes_with_a_merged_branch);
    TEST("/worktree-remove/removals-that-were-cut-off-are-finished",
         test_removals_that_were_cut_off_are_finished);
    TEST("/worktree-remove/missing-one-is-an-error", test_missing_one_is_an_error);
    TEST("/worktree-remove/foreign-folder-is-never-touched", test_foreign_folder_is_never_touched);
    TEST("/worktree-remove/story-that-is-a-path-is-invalid", test_story_that_is_a_path_is_invalid);
    TEST("/worktree-remove/nested-repository-with-work-is-refused",
         test_nested_repository_with_work_is_refused);
    TEST("/worktree-remove/shallow-clone-counts-its-commits",
         test_shallow_clone_counts_its_commits);
    TEST("/worktree-remove/clean-submodule-goes", test_clean_submodule_goes);
    TEST("/worktree-remove/submodule-with-commits-is-refused",
         test_submodule_with_commits_is_refused);
    TEST("/worktree-remove/filtered-files-are-no-work", test_filtered_files_are_no_work);
    TEST("/worktree-remove/overlooked-changes-of-filtered-files-are-refused",
         test_overlooked_changes_of_filtered_files_are_refused);
    TEST("/worktree-remove/sparse-checkout-is-no-work", test_sparse_checkout_is_no_work);
    TEST("/worktree-remove/sparse-index", test_sparse_index_is_read_by_git);
    TEST("/worktree-remove/tree-that-turns-sparse", test_tree_that_turns_sparse_is_read_by_git);
    g_test_add("/worktree-remove/blobless-clone", Fixture, "blob:none", fixture_set_up,
               test_partial_clones_are_served, fixture_tear_down);
    g_test_add("/worktree-remove/treeless-clone", Fixture, "tree:0", fixture_set_up,
               test_partial_clones_are_served, fixture_tear_down);
    TEST("/worktree-remove/squash-merged-one-goes", test_squash_merged_one_goes);
    TEST("/worktree-remove/cherry-picked-one-goes", test_cherry_picked_one_goes);
    TEST("/worktree-remove/half-picked-one-is-refused", test_half_picked_one_is_refused);
    TEST("/worktree-remove/squash-merged-at-the-remote", test_squash_merged_at_the_remote_goes);
    TEST("/worktree-remove/renamed-branch-keeps-its-base", test_renamed_branch_keeps_its_base);
    TEST("/worktree-remove/status-is-of-one", test_status_is_of_one);
    TEST("/worktree-remove/untouched-one-is-known-by-a-quick-look",
         test_untouched_one_is_known_by_a_quick_look);
    TEST("/worktree-remove/touched-one-needs-a-proper-look", test_touched_one_needs_a_proper_look);
    TEST("/worktree-remove/list-makes-names-of-branches-printable",
         test_list_makes_names_of_branches_printable);
    TEST("/worktree-remove/list-tells-what-each-holds", test_list_tells_what_each_holds);
    TEST("/worktree-remove/list-of-a-project-without-any-is-empty",
         test_list_of_a_project_without_any_is_empty);
    int result = g_test_run();
    fixture_finish();
    return result;
}
