/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git-fixture.h"
#include "git/status.h"
#include "git/remove.h"

#include <gio/gio.h>

#include "git/program.h"
#include "git/undo.h"

/** All that git and we may change in the repository, and its top folder. Caller frees. */
static char *snapshot(const Fixture *fixture)
{
    return output_of(
        fixture->root,
        "ls -A . .storkit 2>&1 || true; find .git/worktrees 2>&1 | sort; "
        "find .git/refs .git/config .git/info .git/packed-refs -type f 2>/dev/null | sort | "
        "xargs -r sha256sum 2>&1; git worktree list --porcelain; git branch -a");
}

static void assert_unchanged(const Fixture *fixture, const char *before)
{
    g_autofree char *after = snapshot(fixture);

    g_assert_cmpstr(after, ==, before);
}

static gboolean undo_worktree(const Worktree *worktree, gboolean all, GError **error)
{
    g_autoptr(Repo) repo = repo_open(worktree->root, NULL, NULL, error);
    return repo && worktree_undo(repo, worktree, all, error);
}

static Worktree *plan(const Fixture *fixture, const char *story, const char *base)
{
    g_autoptr(GError) error = NULL;
    Worktree *worktree = plan_worktree(fixture->root, story, base, &error);

    g_assert_no_error(error);
    return worktree;
}

/** The plan fails with @part in its message, and nothing was touched. */
static void assert_no_plan(const Fixture *fixture, const char *base, const char *part)
{
    g_autofree char *before = snapshot(fixture);
    g_autoptr(GError) error = NULL;

    assert_failed(!plan_worktree(fixture->root, "42", base, &error), &error,
                  STORKIT_ERROR_WORKTREE_FAILED, part);
    assert_unchanged(fixture, before);
}

static void create_with(const Worktree *worktree, const char *const *copy)
{
    g_autoptr(GError) error = NULL;

    create_worktree(worktree, FALSE, copy, &error);
    g_assert_no_error(error);
}

static void create(const Worktree *worktree)
{
    create_with(worktree, NULL);
}

/** Creation fails with @part in its message, and leaves nothing. */
static void assert_no_creation(const Fixture *fixture, const Worktree *worktree,
                               const char *const *copy, const char *part)
{
    g_autofree char *before = snapshot(fixture);
    g_autoptr(GError) error = NULL;

    assert_failed(!create_worktree(worktree, FALSE, copy, &error), &error,
                  STORKIT_ERROR_WORKTREE_FAILED, part);
    assert_unchanged(fixture, before);
}

static void undo(const Worktree *worktree)
{
    g_autoptr(GError) error = NULL;

    undo_worktree(worktree, FALSE, &error);
    g_assert_no_error(error);
}

/** The same where its setup has run. */
static void undo_all(const Worktree *worktree)
{
    g_autoptr(GError) error = NULL;

    undo_worktree(worktree, TRUE, &error);
    g_assert_no_error(error);
}

/* ---- new ones ---- */

static void test_new_one_is_planned_without_a_touch(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = snapshot(fixture);
    g_autofree char *path = g_build_filename(fixture->root, ".storkit/worktrees/42", NULL);
    g_autofree char *head = g_strchomp(output_of(fixture->root, "git rev-parse HEAD"));
    g_autoptr(Worktree) worktree = plan(fixture, "42", NULL);

    assert_unchanged(fixture, before);
    g_assert_cmpstr(worktree->root, ==, fixture->root);
    g_assert_cmpstr(worktree->path, ==, path);
    g_assert_cmpstr(worktree->branch, ==, "story/42");
    g_assert_cmpstr(worktree->base_branch, ==, "main");
    g_assert_cmpstr(worktree->base_commit, ==, head);
    g_assert_true(worktree->new_worktree && worktree->new_branch && worktree->new_exclude);
    g_assert_false(worktree->prepared);
}

static void test_new_one_is_what_git_would_make(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "mkdir sub && echo x > sub/x && chmod +x sub/x && ln -s sub link && "
                       "git add . && git commit -qm second");
    worktree = make_worktree(fixture, "42");
    assert_output(worktree->path, "git status --porcelain --branch", "## story/42\n");
    assert_output(worktree->path, "readlink link; test -x sub/x && cat README", "sub\nhello\n");
    assert_output(fixture->root, "git status --porcelain", "");
    assert_output(fixture->root, "git config branch.story/42.storkitBase", "main\n");
    assert_output(fixture->root, "git worktree list | wc -l", "2\n");
    run(fixture->root, "git fsck --strict 2>&1");
    run(worktree->path, "echo more >> README && git commit -qam work");
}

static void test_existing_one_is_found_and_left_alone(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) made = make_worktree(fixture, "42");
    g_autofree char *before = snapshot(fixture);
    g_autoptr(Worktree) found = plan(fixture, "42", NULL);

    g_assert_false(found->new_worktree || found->new_branch || found->new_exclude);
    g_assert_null(found->base_commit);
    g_assert_true(found->prepared);
    g_assert_cmpstr(found->base_branch, ==, "main");
    create(found);
    undo(found);
    assert_unchanged(fixture, before);
}

static void test_setup_that_is_due_is_not_recorded(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Worktree) worktree = plan(fixture, "42", NULL);
    g_autoptr(Worktree) found = NULL;

    create_worktree(worktree, TRUE, NULL, &error);
    g_assert_no_error(error);
    found = plan(fixture, "42", NULL);
    g_assert_false(found->new_worktree || found->prepared);
    g_file_set_contents(found->record, "", 0, NULL);
    worktree_free(g_steal_pointer(&found));
    found = plan(fixture, "42", NULL);
    g_assert_true(found->prepared);
}

static void test_branch_without_worktree_is_used_again(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "git switch -qc story/42 && echo kept > kept && git add . && "
                       "git commit -qm kept && git switch -q main");
    worktree = plan(fixture, "42", NULL);
    g_assert_true(worktree->new_worktree && !worktree->new_branch);
    create(worktree);
    assert_output(worktree->path, "cat kept", "kept\n");
    undo(worktree);
    assert_output(fixture->root, "git log --format=%s -1 story/42", "kept\n");
}

static void test_stale_admin_folder_is_replaced(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) made = make_worktree(fixture, "42");
    g_autoptr(Worktree) again = NULL;

    run(made->path, "echo work > work && git add . && git commit -qm work");
    run(fixture->root, "rm -rf .storkit");
    again = plan(fixture, "42", NULL);
    g_assert_true(again->new_worktree && !again->new_branch);
    g_assert_false(again->prepared);
    create(again);
    assert_output(again->path, "cat work; git status --porcelain", "work\n");
    assert_output(fixture->root, "git worktree list | wc -l", "2\n");
}

static void test_debris_of_a_cut_off_creation_is_replaced(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "mkdir -p .git/worktrees/42");
    worktree = make_worktree(fixture, "42");
    assert_output(worktree->path, "git status --porcelain", "");
}

static void test_worktree_config_extension_is_served(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;
    g_autofree char *before = NULL;

    known_leaks_begin();
    run(fixture->root, "git config core.repositoryformatversion 1 && "
                       "git config extensions.worktreeConfig true && "
                       "git config --worktree user.name Me");
    before = snapshot(fixture);
    worktree = make_worktree(fixture, "42");
    assert_output(fixture->root, "git config --local branch.story/42.storkitBase", "main\n");
    undo(worktree);
    assert_unchanged(fixture, before);
    known_leaks_end();
}

/* ---- bases ---- */

static void test_base_may_be_any_branch(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) local = NULL;
    g_autoptr(Worktree) remote = NULL;

    run(fixture->root, "git branch other && git commit -q --allow-empty -m second && "
                       "git update-ref refs/remotes/origin/main other");
    local = plan(fixture, "1", "other");
    remote = plan(fixture, "2", "origin/main");
    g_assert_cmpstr(local->base_commit, ==, remote->base_commit);
    create(local);
    create(remote);
    assert_output(remote->path, "git log --format=%s", "first\n");
    assert_output(fixture->root, "git config branch.story/2.storkitBase", "origin/main\n");
    assert_no_plan(fixture, "nowhere", "no branch nowhere");
    assert_no_plan(fixture, "nowhere", "`git branch nowhere`");
    assert_no_plan(fixture, "refs/heads/main", "pass 'main' instead of");
    assert_no_plan(fixture, "refs/remotes/origin/main", "pass 'origin/main' instead of");
}

static void test_other_base_than_the_kept_one_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    g_autoptr(Worktree) same = plan(fixture, "42", "main");

    run(fixture->root, "git branch other");
    assert_no_plan(fixture, "other", "based on main, not on other");
    run(fixture->root, "git worktree remove .storkit/worktrees/42");
    assert_no_plan(fixture, "other", "based on main, not on other");
}

static void test_kept_base_outlives_its_branch(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    g_autoptr(Worktree) found = NULL;

    run(fixture->root, "git branch -m main trunk");
    found = plan(fixture, "42", NULL);
    create(found);
    g_assert_cmpstr(found->base_branch, ==, "main");
}

static void test_unborn_head_needs_a_first_commit(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "git switch -q --orphan empty");
    assert_no_plan(fixture, NULL, "make one, or pass");
    worktree_free(plan(fixture, "42", "main"));
}

static void test_detached_head_needs_a_base(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "git switch -q --detach");
    assert_no_plan(fixture, NULL, "pass base_branch");
    worktree = plan(fixture, "42", "main");
    create(worktree);
}

/* ---- in the way ---- */

/** Run.json could not keep its name, and the next service would not know its runs. */
static void test_branch_whose_name_is_no_utf8_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "git switch -qc \"$(printf 'caf\\351')\"");
    assert_no_plan(fixture, NULL, "caf\xef\xbf\xbd is not UTF-8");
    run(fixture->root, "git switch -q main");
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "git switch -q \"$(printf 'caf\\351')\"");
    assert_no_plan(fixture, NULL, "caf\xef\xbf\xbd is not UTF-8");
    run(worktree->path, "git switch -q story/42");
    run(fixture->root, "git config branch.story/42.storkitBase \"$(printf 'caf\\351')\"");
    assert_no_plan(fixture, NULL, "caf\xef\xbf\xbd is not UTF-8");
}

static void test_branch_called_story_is_in_the_way(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "git branch story && git pack-refs --all");
    assert_no_plan(fixture, NULL, "git branch -m story");
}

static void test_branch_below_ours_is_in_the_way(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "git branch story/42/part");
    assert_no_plan(fixture, NULL, "story/42/part");
}

static void test_branch_checked_out_elsewhere_is_named(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "git worktree add -q -b story/42 ../elsewhere");
    assert_no_plan(fixture, NULL, "/elsewhere");
    run(fixture->root, "git worktree remove ../elsewhere && git switch -q story/42");
    assert_no_plan(fixture, NULL, fixture->root);
    run(fixture->root, "git switch -q main && git branch -qD story/42 && "
                       "git worktree add -q --detach ../elsewhere && "
                       "git -C ../elsewhere switch -q --orphan story/42");
    assert_no_plan(fixture, NULL, "/elsewhere");
}

static void test_folder_in_the_way_is_named_and_left(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "mkdir -p .storkit/worktrees/42 && echo mine > .storkit/worktrees/42/file");
    assert_no_plan(fixture, NULL, ".storkit/worktrees/42 is in the way");
    assert_output(fixture->root, "cat .storkit/worktrees/42/file", "mine\n");
}

static void test_link_that_leads_out_of_the_project_is_refused(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "mkdir ../outside .storkit && ln -s ../../outside .storkit/worktrees");
    assert_no_plan(fixture, NULL, "not a link");
}

static void test_other_worktree_of_that_name_is_named(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "git worktree add -q ../42");
    assert_no_plan(fixture, NULL, "another worktree called 42");
}

static void test_moved_project_is_told_to_repair(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    worktree_free(make_worktree(fixture, "42"));
    run(fixture->folder, "mv project moved");
    g_free(fixture->root);
    fixture->root = g_build_filename(fixture->folder, "moved", NULL);
    assert_failed(!plan_worktree(fixture->root, "42", NULL, &error), &error,
                  STORKIT_ERROR_WORKTREE_FAILED, "git worktree repair");
}

static void test_locked_one_that_is_gone_is_left(Fixture *fixture, gconstpointer data)
{
    worktree_free(make_worktree(fixture, "42"));
    run(fixture->root, "git worktree lock .storkit/worktrees/42 && rm -rf .storkit");
    assert_no_plan(fixture, NULL, "git worktree unlock");
}

static void test_work_of_one_that_is_gone_is_left(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) made = make_worktree(fixture, "42");

    run(made->path, "git switch -q --detach && git commit -q --allow-empty -m lost");
    run(fixture->root, "mv .storkit/worktrees/42 ../moved");
    assert_no_plan(fixture, NULL, "lost");
    run(fixture->root, "mv ../moved .storkit/worktrees/42 && "
                       "git -C .storkit/worktrees/42 switch -q story/42 && "
                       "rm -r .storkit/worktrees/42");
    assert_no_plan(fixture, NULL, "git branch NAME COMMIT");
    run(fixture->root, "git branch saved $(sed -n 's/^[0-9a-f]* \\([0-9a-f]*\\) .*lost$/\\1/p' "
                       ".git/worktrees/42/logs/HEAD)");
    worktree_free(plan(fixture, "42", NULL));
}

static void test_switched_worktree_goes_on_with_its_branch(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) made = make_worktree(fixture, "42");
    g_autoptr(Worktree) found = NULL;

    run(made->path, "git switch -qc other");
    found = plan(fixture, "42", NULL);
    g_assert_false(found->new_worktree || found->new_branch);
    g_assert_cmpstr(found->branch, ==, "other");
    run(made->path, "git switch -q --detach");
    assert_no_plan(fixture, NULL, "switch story/42");
}

static void test_changes_since_the_plan_are_noticed(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = plan(fixture, "42", NULL);

    run(fixture->root, "git branch story/42");
    assert_no_creation(fixture, worktree, NULL, "changed meanwhile");
    run(fixture->root, "mkdir -p .storkit/worktrees/42/mine");
    assert_no_creation(fixture, worktree, NULL, "in the way");
}

/* ---- the exclude line ---- */

static void test_exclude_gets_one_line_and_keeps_the_rest(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "printf 'mine\\nno newline' > .git/info/exclude && "
                       "chmod 600 .git/info/exclude");
    worktree_free(make_worktree(fixture, "1"));
    worktree_free(make_worktree(fixture, "2"));
    assert_output(fixture->root, "cat .git/info/exclude; stat -c :%a .git/info/exclude",
                  "mine\nno newline\n/.storkit/worktrees/:600\n");
}

static void test_what_is_ignored_already_is_not_excluded(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = output_of(fixture->root, "cat .git/info/exclude");

    run(fixture->root, "echo .storkit/ > .gitignore");
    worktree_free(make_worktree(fixture, "42"));
    assert_output(fixture->root, "cat .git/info/exclude", before);
}

/* ---- undo ---- */

static void assert_undo_leaves_nothing(Fixture *fixture, const char *prepare)
{
    g_autofree char *before = NULL;
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, prepare);
    before = snapshot(fixture);
    worktree = make_worktree(fixture, "42");
    run(worktree->path, "mkdir -p go/pkg && touch go/pkg/file untracked && chmod 555 go/pkg");
    undo_all(worktree);
    assert_unchanged(fixture, before);
    undo(worktree);
    assert_unchanged(fixture, before);
}

static void test_undo_leaves_nothing(Fixture *fixture, gconstpointer data)
{
    assert_undo_leaves_nothing(fixture, "true");
}

static void test_undo_removes_the_exclude_file_it_made(Fixture *fixture, gconstpointer data)
{
    assert_undo_leaves_nothing(fixture, "rm -r .git/info");
}

static void test_undo_restores_an_exclude_without_newline(Fixture *fixture, gconstpointer data)
{
    assert_undo_leaves_nothing(fixture, "printf 'mine' > .git/info/exclude");
}

static void test_undo_keeps_other_stories(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) first = make_worktree(fixture, "1");
    g_autoptr(Worktree) second = make_worktree(fixture, "2");

    undo(first);
    assert_output(fixture->root, "git status --porcelain; git config --get-regexp storkit",
                  "branch.story/2.storkitbase main\n");
    assert_output(second->path, "git status --porcelain --branch", "## story/2\n");
}

static void test_undo_of_what_was_never_made_is_nothing(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = snapshot(fixture);
    g_autoptr(Worktree) worktree = plan(fixture, "42", NULL);

    undo(worktree);
    assert_unchanged(fixture, before);
    run(fixture->root, "mkdir -p .storkit/worktrees/42/mine");
    undo(worktree);
    assert_output(fixture->root, "ls .storkit/worktrees/42", "mine\n");
}

/* As libgit2 leaves it where the disk is full. */
static void test_undo_takes_a_tree_with_an_empty_git_file(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = snapshot(fixture);
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, "rm -r README; : >.git");
    undo(worktree);
    assert_unchanged(fixture, before);
}

static void test_undo_leaves_what_lies_beside_an_empty_git_file(Fixture *fixture,
                                                                gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, ": >.git");
    undo_worktree(worktree, FALSE, NULL);
    assert_output(worktree->path, "ls -A", ".git\nREADME\n");
}

static void test_undo_finishes_a_cut_off_creation(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = snapshot(fixture);
    g_autoptr(Worktree) worktree = plan(fixture, "42", NULL);

    run(fixture->root, "git branch story/42 && mkdir -p .git/worktrees/42 .storkit/worktrees/42");
    undo(worktree);
    assert_unchanged(fixture, before);
    create(worktree);
    run(fixture->root, "rm .git/worktrees/42/HEAD");
    undo(worktree);
    assert_unchanged(fixture, before);
}

static void test_undo_finishes_a_branch_that_was_cut_off(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = plan(fixture, "42", NULL);

    run(fixture->root, "mkdir .git/refs/heads/story && touch .git/refs/heads/story/42.lock");
    undo(worktree);
    assert_output(fixture->root, "ls .git/refs/heads", "main\n");
    create(worktree);
}

static void test_undo_leaves_a_tree_with_commits(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    g_autoptr(GError) error = NULL;

    run(worktree->path, "git commit -q --allow-empty -m work");
    assert_failed(!undo_worktree(worktree, TRUE, &error), &error, STORKIT_ERROR_WORKTREE_DIRTY,
                  worktree->path);
    assert_output(worktree->path, "git log -1 --format=%s", "work\n");
}

/** After @command in the tree an undo refuses with @part in its message; with all, it does not. */
static void assert_undo_leaves_work(Fixture *fixture, const char *command, const char *part)
{
    g_autofree char *before = snapshot(fixture);
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    g_autofree char *tree = NULL;
    g_autoptr(GError) error = NULL;

    run(worktree->path, command);
    tree = output_of(worktree->path, "find . -type f -print0 | sort -z | xargs -0 sha256sum");
    assert_failed(!undo_worktree(worktree, FALSE, &error), &error, STORKIT_ERROR_WORKTREE_DIRTY,
                  part);
    assert_output(worktree->path, "find . -type f -print0 | sort -z | xargs -0 sha256sum", tree);
    assert_output(fixture->root, "git branch --list story/42 | wc -l", "1\n");
    undo_all(worktree);
    assert_unchanged(fixture, before);
}

static void test_undo_leaves_a_tree_with_work(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "echo '*.o' > .gitignore && mkdir sub && echo x > sub/x && git add . && "
                       "git commit -qm more && echo mine > untracked-in-root");
    assert_undo_leaves_work(fixture, "echo more > notes", "notes");
    assert_undo_leaves_work(fixture, "mkdir new && echo more > 'new/a \"b\"'", "new/a");
    assert_undo_leaves_work(fixture, "echo more >> README", "README");
    assert_undo_leaves_work(fixture, "printf hel > README", "README");
    assert_undo_leaves_work(fixture, "rm README && ln -s x README", "README");
    assert_undo_leaves_work(fixture, "echo more > new && git add new && rm new", "new");
    assert_undo_leaves_work(fixture, "echo minerals > untracked-in-root", "untracked-in-root");
    assert_undo_leaves_work(fixture, "git init -q x.o", "x.o");
    assert_undo_leaves_work(fixture,
                            "git switch -q --detach && git commit -q --allow-empty -m lost && "
                            "git switch -q story/42",
                            "lost");
    assert_undo_leaves_work(fixture, "rm ../../../.git/worktrees/42/index && echo more >> README",
                            "README");
}

static void test_undo_leaves_a_filtered_tree_with_work(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "echo '*.up filter=upper' > .gitattributes && echo text > a.up && "
                       "git add . && git commit -qm filter && "
                       "git config filter.upper.smudge 'tr a-z A-Z' && "
                       "git config filter.upper.clean 'tr A-Z a-z'");
    assert_undo_leaves_work(fixture, "echo MORE >> a.up", "a.up");
    assert_undo_leaves_work(fixture, "echo more > 'a \"b\"'", "a \"b\"");
    assert_undo_leaves_work(fixture, "rm ../../../.git/worktrees/42/index && echo MORE >> a.up",
                            "a.up");
}

/** After @command, which leaves what a creation that was cut off leaves, an undo takes all. */
static void assert_undo_takes(Fixture *fixture, const char *command)
{
    g_autofree char *before = snapshot(fixture);
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(worktree->path, command);
    undo(worktree);
    assert_unchanged(fixture, before);
}

static void test_undo_takes_a_checkout_that_was_cut_off(Fixture *fixture, gconstpointer data)
{
    run(fixture->root,
        "printf 'a\\r\\nb\\r\\n' > windows && echo '*.txt eol=crlf' > .gitattributes && "
        "printf 'a\\nb\\n' > lines.txt && ln -s windows link && "
        "mkdir sub && echo x > sub/x && git add . && git commit -qm more && "
        "echo secret > .env && ln -s .env copied");
    assert_undo_takes(fixture, "rm README sub/x");
    assert_undo_takes(fixture, "rm ../../../.git/worktrees/42/index");
    assert_undo_takes(fixture, "rm ../../../.git/worktrees/42/index && printf hel > README");
    assert_undo_takes(fixture, "rm ../../../.git/worktrees/42/index && printf 'a\\r' > lines.txt");
    assert_undo_takes(fixture, "git read-tree --empty && git add .gitattributes && rm lines.txt");
    assert_undo_takes(fixture, "cp ../../../.env . && cp -P ../../../copied .");
    assert_undo_takes(fixture, "printf sec > .env");
    run(fixture->root, "echo '*.up filter=upper' > .gitattributes && echo text > a.up && "
                       "git add .gitattributes a.up && git commit -qm filter && "
                       "git config filter.upper.smudge 'tr a-z A-Z' && "
                       "git config filter.upper.clean 'tr A-Z a-z'");
    assert_undo_takes(fixture, "rm ../../../.git/worktrees/42/index README");
    assert_undo_takes(fixture, "cp ../../../.env .");
}

static int config_is_written;

static gpointer write_config_often(gpointer root)
{
    /* Who finds the lock taken comes again. */
    run(root, "for i in $(seq 50); do "
              "until git config test.k$i v 2>/dev/null; do :; done; done");
    g_atomic_int_set(&config_is_written, 1);
    return NULL;
}

static void test_undo_keeps_what_others_write_to_the_config(Fixture *fixture, gconstpointer data)
{
    GThread *writer;

    /* A long one takes a while to edit. */
    run(fixture->root, "yes '# and so on' | head -3000 >> .git/config");
    writer = g_thread_new(NULL, write_config_often, fixture->root);
    while (!g_atomic_int_get(&config_is_written)) {
        g_autoptr(Worktree) worktree = plan(fixture, "42", NULL);
        /* It may find the lock taken, too. */
        if (create_worktree(worktree, FALSE, NULL, NULL))
            undo(worktree);
        g_usleep(5000);
    }
    g_thread_join(writer);
    assert_output(fixture->root, "git config --get-regexp 'test[.]k.*' | wc -l", "50\n");
}

static void test_undo_leaves_a_branch_that_moved_on(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");

    run(fixture->root, "git worktree remove .storkit/worktrees/42 && "
                       "git branch -f story/42 $(git commit-tree -m on -p HEAD HEAD^{tree})");
    undo(worktree);
    assert_output(fixture->root, "git log -1 --format=%s story/42", "on\n");
}

/* ---- checkouts that are not plain ---- */

static void test_failing_checkout_leaves_nothing(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "for i in 1 2 3; do echo $i > file$i; done; git add . && "
                       "git commit -qm files && rm -f .git/objects/$(git rev-parse HEAD:file3 | "
                       "sed 's,^..,&/,')");
    worktree = plan(fixture, "42", NULL);
    assert_no_creation(fixture, worktree, NULL, "object not found");
}

static void test_line_ends_are_those_of_the_attributes(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    /* `#` sorts before `.gitattributes`. */
    run(fixture->root, "mkdir -p '#sub/deep' && echo '*.txt text eol=crlf' > .gitattributes && "
                       "echo 'b.txt eol=lf' > '#sub/deep/.gitattributes' && "
                       "echo hi | tee '#a.txt' a.txt '#sub/deep/#a.txt' '#sub/deep/b.txt' && "
                       "git add . 2>&1 && git commit -qm eol");
    worktree = make_worktree(fixture, "42");
    assert_output(worktree->path,
                  "cat '#a.txt' a.txt '#sub/deep/#a.txt' '#sub/deep/b.txt'; git status --porcelain",
                  "hi\r\nhi\r\nhi\r\nhi\n");
}

/* Opening one would read the FIFO, and wait. */
static void test_other_worktrees_are_not_opened(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "git worktree add -q -b other ../other && cd .git/worktrees/other && "
                       "rm commondir && mkfifo commondir");
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    assert_output(worktree->path, "cat README", "hello\n");
}

/* Git makes it, where there is git: its reset leaves ORIG_HEAD. */
static void test_many_files_are_checked_out(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "echo '*.txt text eol=crlf' > .gitattributes && mkdir d && "
                       "seq 2000 | split -l 1 -a 4 --additional-suffix=.txt - d/ && "
                       "git add . 2>&1 && git commit -qm many");
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    assert_output(worktree->path, "git status --porcelain; ls d | wc -l; tail -n 1 d/acyx.txt",
                  "2000\n2000\r\n");
    assert_output(fixture->root, "test -f .git/worktrees/42/ORIG_HEAD && echo reset", "reset\n");

    g_autofree char *path = g_strdup(g_getenv("PATH"));
    g_autoptr(Worktree) by_library = plan(fixture, "43", NULL);
    g_setenv("PATH", fixture->folder, TRUE);
    gboolean made = create_worktree(by_library, FALSE, NULL, NULL);
    g_setenv("PATH", path, TRUE);
    g_assert_true(made);
    assert_output(by_library->path, "git status --porcelain; ls d | wc -l", "2000\n");
}

static void test_filter_is_honoured(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = NULL;
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "echo '*.up filter=upper' > .gitattributes && echo text > a.up && "
                       "git add . && git commit -qm filter && "
                       "git config filter.upper.smudge 'tr a-z A-Z' && "
                       "git config filter.upper.clean 'tr A-Z a-z'");
    before = snapshot(fixture);
    worktree = make_worktree(fixture, "42");
    assert_output(worktree->path, "cat a.up; git status --porcelain", "TEXT\n");
    undo(worktree);
    assert_unchanged(fixture, before);
}

static void test_failing_filter_says_what_git_said(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "echo '*.up filter=bad' > .gitattributes && echo text > a.up && "
                       "git add . && git commit -qm filter && git config filter.bad.required true "
                       "&& git config filter.bad.smudge 'echo no server >&2; false'");
    worktree = plan(fixture, "42", NULL);
    assert_no_creation(fixture, worktree, NULL, "no server");
}

static void use_filter(const Fixture *fixture, const char *smudge)
{
    g_autofree char *command =
        g_strdup_printf("echo '*.up filter=some' > .gitattributes && echo text > a.up && "
                        "git add . && git commit -qm filter && git config filter.some.smudge '%s'",
                        smudge);

    run(fixture->root, command);
}

static gboolean cancel_soon(gpointer cancellable)
{
    g_usleep(200000);
    g_cancellable_cancel(cancellable);
    return FALSE;
}

/** Its number of seconds is that of no other sleep there is. */
static void assert_no_filter_is_left(void)
{
    run("/",
        "for i in 1 2 3 4 5 6 7 8 9; do pgrep -f '^sleep 4711[.]25' || exit 0; sleep 0.1; done; "
        "exit 1");
}

static void test_filter_that_hangs_is_ended(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(Worktree) worktree = NULL;
    GThread *thread;

    use_filter(fixture, "sleep 4711.25");
    worktree = plan(fixture, "42", NULL);
    g_setenv("STORKIT_GIT_MSEC", "200", TRUE);
    assert_no_creation(fixture, worktree, NULL, "did not finish in 0.2 s");
    g_unsetenv("STORKIT_GIT_MSEC");
    assert_no_filter_is_left();

    g_autoptr(GError) error = NULL;
    g_autoptr(Repo) repo = repo_open(fixture->root, NULL, cancellable, &error);
    thread = g_thread_new(NULL, (GThreadFunc)(void (*)(void))cancel_soon, cancellable);
    assert_failed(!worktree_create(repo, worktree, FALSE, NULL, &error), &error,
                  STORKIT_ERROR_WORKTREE_FAILED, "was killed: the run was stopped");
    g_thread_join(thread);
    assert_no_filter_is_left();
}

static void test_filter_is_found_in_the_environment_given(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_strdup_printf("PATH=%s:%s", fixture->folder, g_getenv("PATH"));
    char *environment[] = {path, NULL};
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->folder, "printf '#!/bin/sh\ntr a-z A-Z' > my-filter && chmod +x my-filter");
    use_filter(fixture, "my-filter");
    run(fixture->root, "git config filter.some.required true");
    worktree = plan(fixture, "42", NULL);
    assert_no_creation(fixture, worktree, NULL, "my-filter");
    g_autoptr(GError) error = NULL;
    g_autoptr(Repo) repo = repo_open(fixture->root, environment, NULL, &error);
    worktree_create(repo, worktree, FALSE, NULL, &error);
    g_assert_no_error(error);
    assert_output(worktree->path, "cat a.up", "TEXT\n");
}

static void test_missing_git_program_is_named(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_strdup(g_getenv("PATH"));
    g_autoptr(Worktree) worktree = NULL;
    g_autoptr(GError) error = NULL;

    run(fixture->root, "echo '*.up filter=upper' > .gitattributes && git add . && "
                       "git commit -qm filter && git config filter.upper.smudge cat");
    worktree = plan(fixture, "42", NULL);
    g_setenv("PATH", "/nonexistent", TRUE);
    assert_failed(!create_worktree(worktree, FALSE, NULL, &error), &error,
                  STORKIT_ERROR_WORKTREE_FAILED, "install git");
    g_setenv("PATH", path, TRUE);
    assert_output(fixture->root, "ls -A; git branch", ".git\n.gitattributes\nREADME\n* main\n");
}

static void test_sparse_checkout_stays_sparse(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "mkdir in out && touch in/a out/b && git add . && git commit -qm folders && "
                       "git sparse-checkout set in 2>&1");
    worktree = make_worktree(fixture, "42");
    assert_output(worktree->path, "ls; git status --porcelain", "README\nin\n");
}

static void test_submodules_stay_empty(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->folder, "git init -q other && cd other && touch x && git add . && "
                         "git commit -qm x && cd ../project && "
                         "git -c protocol.file.allow=always submodule add -q ../other sub 2>&1 && "
                         "git commit -qm sub");
    worktree = make_worktree(fixture, "42");
    assert_output(worktree->path, "ls -A sub; git status --porcelain", "");
}

static void test_hooks_are_not_run(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "printf '#!/bin/sh\\ntouch /%s/ran' \"$PWD\" > .git/hooks/post-checkout && "
                       "chmod +x .git/hooks/post-checkout && "
                       "echo '*.up filter=upper' > .gitattributes && git add . && "
                       "git commit -qm filter && git config filter.upper.smudge cat");
    worktree_free(make_worktree(fixture, "42"));
    assert_output(fixture->root, "ls", "README\n");
}

/* ---- copies of ignored files ---- */

static void test_patterns_are_copied(Fixture *fixture, gconstpointer data)
{
    static const char *const copy[] = {"packages/*/.env", "no/such/*", NULL};

    run(fixture->root, "echo .env > .gitignore && mkdir -p packages/a packages/b && "
                       "touch packages/a/x && git add . && git commit -qm i && "
                       "echo A > packages/a/.env && echo B > packages/b/.env");
    g_autoptr(Worktree) worktree = plan(fixture, "42", NULL);
    g_test_expect_message("storkit", G_LOG_LEVEL_MESSAGE, "*no/such/*nothing copied*");
    create_with(worktree, copy);
    g_test_assert_expected_messages();
    assert_output(worktree->path, "cat packages/a/.env packages/b/.env", "A\nB\n");
}

/* Git writes it from 2.48 on, with `worktree.useRelativePaths`; older ones refuse the repository.
 */
static void test_relative_worktrees_extension_is_served(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "git config core.repositoryFormatVersion 1 && "
                       "git config extensions.relativeWorktrees true");
    known_leaks_begin();
    g_autoptr(Worktree) worktree = make_worktree(fixture, "42");
    known_leaks_end();
    assert_output(worktree->path, "cat README", "hello\n");
}

static void test_ignored_files_come_along(Fixture *fixture, gconstpointer data)
{
    static const char *const copy[] = {".env", "./conf/local", "missing/file", "README", NULL};
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "printf '.env\\nconf/\\n' > .gitignore && git add . && git commit -qm i && "
                       "echo secret > .env && chmod 640 .env && mkdir -p conf/local/ro && "
                       "echo x > conf/local/ro/run && chmod 755 conf/local/ro/run && "
                       "chmod 555 conf/local/ro && "
                       "ln -s /etc/passwd conf/local/link && mkfifo conf/local/fifo && "
                       "echo changed > README");
    worktree = plan(fixture, "42", NULL);
    create_with(worktree, copy);
    assert_output(worktree->path,
                  "cat .env conf/local/ro/run README; "
                  "stat -c %a .env conf/local/ro/run conf/local/ro; "
                  "readlink conf/local/link; ls -A conf/local; git status --porcelain",
                  "secret\nx\nhello\n640\n755\n555\n/etc/passwd\nlink\nro\n");
}

static void test_copies_go_through_no_link(Fixture *fixture, gconstpointer data)
{
    static const char *const through_link[] = {"link/secret", NULL};
    static const char *const outside[] = {"../outside/secret", NULL};
    static const char *const git[] = {".git/config", NULL};
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "mkdir ../outside && echo s > ../outside/secret && ln -s ../outside link");
    worktree = plan(fixture, "42", NULL);
    assert_no_creation(fixture, worktree, through_link, "link/secret");
    assert_no_creation(fixture, worktree, outside, "inside the project");
    assert_no_creation(fixture, worktree, git, "inside the project");
}

static void test_copies_do_not_leave_through_a_tracked_link(Fixture *fixture, gconstpointer data)
{
    static const char *const copy[] = {"conf/secret", NULL};
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "mkdir ../outside && ln -s ../../../../outside conf && git add conf && "
                       "git commit -qm link && rm conf && mkdir conf && echo s > conf/secret");
    worktree = plan(fixture, "42", NULL);
    assert_no_creation(fixture, worktree, copy, "conf/secret");
    assert_output(fixture->folder, "ls outside", "");
}

static void test_copy_of_the_storkit_folder_leaves_worktrees_out(Fixture *fixture,
                                                                 gconstpointer data)
{
    static const char *const copy[] = {".storkit", NULL};
    g_autoptr(Worktree) worktree = NULL;

    run(fixture->root, "mkdir .storkit && touch .storkit/project.toml");
    worktree_free(make_worktree(fixture, "1"));
    worktree = plan(fixture, "42", NULL);
    create_with(worktree, copy);
    assert_output(worktree->path, "ls -A .storkit", "project.toml\n");
}

/* --- Where worktrees live --- */

static Worktree *plan_in(const char *root, const char *story, const char *place, GError **error)
{
    g_autoptr(Repo) repo = repo_open(root, NULL, NULL, error);
    g_assert_nonnull(repo);
    return worktree_plan(repo, story, NULL, place, error);
}

static Worktree *make_in(const Fixture *fixture, const char *story, const char *place)
{
    g_autoptr(GError) error = NULL;
    Worktree *worktree = plan_in(fixture->root, story, place, &error);
    g_assert_no_error(error);
    create_worktree(worktree, FALSE, NULL, &error);
    g_assert_no_error(error);
    return worktree;
}

static void assert_listed_at(const Fixture *fixture, const char *story, const char *path)
{
    g_autoptr(Repo) repo = repo_open(fixture->root, NULL, NULL, NULL);
    g_autoptr(GPtrArray) list = worktree_list(repo);
    gboolean found = FALSE;
    for (guint i = 0; i < list->len; i++) {
        const WorktreeStatus *status = g_ptr_array_index(list, i);
        found = found || (g_str_equal(status->story, story) && g_str_equal(status->path, path));
    }
    g_assert_true(found);
}

static void remove_it(const Fixture *fixture, const char *story)
{
    g_autoptr(Repo) repo = repo_open(fixture->root, NULL, NULL, NULL);
    g_autoptr(GError) error = NULL;
    worktree_remove(repo, story, FALSE, &error);
    g_assert_no_error(error);
}

static void test_worktrees_live_where_the_roster_says(Fixture *fixture, gconstpointer data)
{
    g_autofree char *folder = g_build_filename(fixture->folder, "project.worktrees", NULL);
    g_autofree char *path = g_build_filename(folder, "42", NULL);
    g_autoptr(Worktree) worktree = make_in(fixture, "42", "../{project}.worktrees");
    g_assert_cmpstr(worktree->path, ==, path);
    g_assert_false(worktree->new_exclude);
    assert_output(path, "cat README && git status --porcelain", "hello\n");
    assert_output(fixture->root, "git status --porcelain --ignored && ls", "README\n");
    assert_listed_at(fixture, "42", path);
    remove_it(fixture, "42");
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

static void test_worktrees_that_are_elsewhere_are_found(Fixture *fixture, gconstpointer data)
{
    g_autofree char *other = g_build_filename(fixture->folder, "other", NULL);
    g_autoptr(Worktree) usual = make_worktree(fixture, "1");
    g_autoptr(Worktree) away = make_in(fixture, "2", other);
    g_autoptr(Worktree) first = plan_in(fixture->root, "1", other, NULL);
    g_autoptr(Worktree) second = plan_in(fixture->root, "2", NULL, NULL);
    g_assert_false(first->new_worktree);
    g_assert_cmpstr(first->path, ==, usual->path);
    g_assert_false(second->new_worktree);
    g_assert_cmpstr(second->path, ==, away->path);
    assert_listed_at(fixture, "1", usual->path);
    assert_listed_at(fixture, "2", away->path);
    /* One that is gone is made where the roster says now. */
    run(fixture->folder, "rm -r other/2");
    g_autoptr(Worktree) again = plan_in(fixture->root, "2", "../new", NULL);
    g_assert_true(again->new_worktree);
    g_assert_true(g_str_has_suffix(again->path, "/new/2"));
}

static void test_worktree_of_somebody_else_is_not_ours(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    run(fixture->root, "git worktree add -q ../other/42");
    g_autoptr(Worktree) worktree = plan_in(fixture->root, "42", "../other", &error);
    assert_failed(!worktree, &error, STORKIT_ERROR_WORKTREE_FAILED, "42");
}

static void assert_place_refused(const Fixture *fixture, const char *place, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Worktree) worktree = plan_in(fixture->root, "42", place, &error);
    assert_failed(!worktree, &error, STORKIT_ERROR_INVALID_CONFIG, part);
}

static void test_worktrees_are_not_in_gits_folder(Fixture *fixture, gconstpointer data)
{
    assert_place_refused(fixture, ".git/worktrees", "inside git's own folder");
    assert_place_refused(fixture, "sub/../.git", "inside git's own folder");
    assert_place_refused(fixture, ".", "in the project's own folder");
    run(fixture->root, "ln -s .git link");
    assert_place_refused(fixture, "link/x", "inside git's own folder");
}

static void test_worktrees_inside_are_hidden_from_status(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Worktree) worktree = make_in(fixture, "42", "trees/of agents");
    g_autoptr(Repo) repo = repo_open(fixture->root, NULL, NULL, NULL);
    g_autoptr(GError) error = NULL;
    assert_output(fixture->root, "git status --porcelain", "");
    assert_output(fixture->root, "tail -n 1 .git/info/exclude", "/trees/of agents/\n");
    worktree_undo(repo, worktree, TRUE, &error);
    g_assert_no_error(error);
    assert_output(fixture->root, "! grep trees .git/info/exclude", "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_init();
    TEST("/worktree/new-one-is-planned-without-a-touch", test_new_one_is_planned_without_a_touch);
    TEST("/worktree/new-one-is-what-git-would-make", test_new_one_is_what_git_would_make);
    TEST("/worktree/existing-one-is-found-and-left-alone",
         test_existing_one_is_found_and_left_alone);
    TEST("/worktree/setup-that-is-due-is-not-recorded", test_setup_that_is_due_is_not_recorded);
    TEST("/worktree/branch-without-worktree-is-used-again",
         test_branch_without_worktree_is_used_again);
    TEST("/worktree/stale-admin-folder-is-replaced", test_stale_admin_folder_is_replaced);
    TEST("/worktree/debris-of-a-cut-off-creation-is-replaced",
         test_debris_of_a_cut_off_creation_is_replaced);
    TEST("/worktree/worktree-config-extension-is-served", test_worktree_config_extension_is_served);
    TEST("/worktree/base-may-be-any-branch", test_base_may_be_any_branch);
    TEST("/worktree/other-base-than-the-kept-one-is-refused",
         test_other_base_than_the_kept_one_is_refused);
    TEST("/worktree/kept-base-outlives-its-branch", test_kept_base_outlives_its_branch);
    TEST("/worktree/unborn-head-needs-a-first-commit", test_unborn_head_needs_a_first_commit);
    TEST("/worktree/detached-head-needs-a-base", test_detached_head_needs_a_base);
    TEST("/worktree/branch-whose-name-is-no-utf8-is-refused",
         test_branch_whose_name_is_no_utf8_is_refused);
    TEST("/worktree/branch-called-story-is-in-the-way", test_branch_called_story_is_in_the_way);
    TEST("/worktree/branch-below-ours-is-in-the-way", test_branch_below_ours_is_in_the_way);
    TEST("/worktree/branch-checked-out-elsewhere-is-named",
         test_branch_checked_out_elsewhere_is_named);
    TEST("/worktree/folder-in-the-way-is-named-and-left", test_folder_in_the_way_is_named_and_left);
    TEST("/worktree/link-that-leads-out-of-the-project-is-refused",
         test_link_that_leads_out_of_the_project_is_refused);
    TEST("/worktree/other-worktree-of-that-name-is-named",
         test_other_worktree_of_that_name_is_named);
    TEST("/worktree/moved-project-is-told-to-repair", test_moved_project_is_told_to_repair);
    TEST("/worktree/locked-one-that-is-gone-is-left", test_locked_one_that_is_gone_is_left);
    TEST("/worktree/work-of-one-that-is-gone-is-left", test_work_of_one_that_is_gone_is_left);
    TEST("/worktree/switched-worktree-goes-on-with-its-branch",
         test_switched_worktree_goes_on_with_its_branch);
    TEST("/worktree/changes-since-the-plan-are-noticed", test_changes_since_the_plan_are_noticed);
    TEST("/worktree/exclude-gets-one-line-and-keeps-the-rest",
         test_exclude_gets_one_line_and_keeps_the_rest);
    TEST("/worktree/what-is-ignored-already-is-not-excluded",
         test_what_is_ignored_already_is_not_excluded);
    TEST("/worktree/undo-leaves-nothing", test_undo_leaves_nothing);
    TEST("/worktree/undo-removes-the-exclude-file-it-made",
         test_undo_removes_the_exclude_file_it_made);
    TEST("/worktree/undo-restores-an-exclude-without-newline",
         test_undo_restores_an_exclude_without_newline);
    TEST("/worktree/undo-keeps-other-stories", test_undo_keeps_other_stories);
    TEST("/worktree/undo-of-what-was-never-made-is-nothing",
         test_undo_of_what_was_never_made_is_nothing);
    TEST("/worktree/undo-takes-a-tree-with-an-empty-git-file",
         test_undo_takes_a_tree_with_an_empty_git_file);
    TEST("/worktree/undo-leaves-what-lies-beside-an-empty-git-file",
         test_undo_leaves_what_lies_beside_an_empty_git_file);
    TEST("/worktree/undo-finishes-a-cut-off-creation", test_undo_finishes_a_cut_off_creation);
    TEST("/worktree/undo-finishes-a-branch-that-was-cut-off",
         test_undo_finishes_a_branch_that_was_cut_off);
    TEST("/worktree/undo-leaves-a-tree-with-commits", test_undo_leaves_a_tree_with_commits);
    TEST("/worktree/undo-leaves-a-tree-with-work", test_undo_leaves_a_tree_with_work);
    TEST("/worktree/undo-leaves-a-filtered-tree-with-work",
         test_undo_leaves_a_filtered_tree_with_work);
    TEST("/worktree/undo-takes-a-checkout-that-was-cut-off",
         test_undo_takes_a_checkout_that_was_cut_off);
    TEST("/worktree/undo-keeps-what-others-write-to-the-config",
         test_undo_keeps_what_others_write_to_the_config);
    TEST("/worktree/undo-leaves-a-branch-that-moved-on", test_undo_leaves_a_branch_that_moved_on);
    TEST("/worktree/failing-checkout-leaves-nothing", test_failing_checkout_leaves_nothing);
    TEST("/worktree/line-ends-are-those-of-the-attributes",
         test_line_ends_are_those_of_the_attributes);
    TEST("/worktree/other-worktrees-are-not-opened", test_other_worktrees_are_not_opened);
    TEST("/worktree/many-files-are-checked-out", test_many_files_are_checked_out);
    TEST("/worktree/filter-is-honoured", test_filter_is_honoured);
    TEST("/worktree/filter-that-hangs-is-ended", test_filter_that_hangs_is_ended);
    TEST("/worktree/filter-is-found-in-the-environment-given",
         test_filter_is_found_in_the_environment_given);
    TEST("/worktree/failing-filter-says-what-git-said", test_failing_filter_says_what_git_said);
    TEST("/worktree/missing-git-program-is-named", test_missing_git_program_is_named);
    TEST("/worktree/sparse-checkout-stays-sparse", test_sparse_checkout_stays_sparse);
    TEST("/worktree/submodules-stay-empty", test_submodules_stay_empty);
    TEST("/worktree/hooks-are-not-run", test_hooks_are_not_run);
    TEST("/worktree/ignored-files-come-along", test_ignored_files_come_along);
    TEST("/worktree/patterns-are-copied", test_patterns_are_copied);
    TEST("/worktree/relative-worktrees-extension", test_relative_worktrees_extension_is_served);
    TEST("/worktree/copies-go-through-no-link", test_copies_go_through_no_link);
    TEST("/worktree/copies-do-not-leave-through-a-tracked-link",
         test_copies_do_not_leave_through_a_tracked_link);
    TEST("/worktree/worktrees-live-where-the-roster-says",
         test_worktrees_live_where_the_roster_says);
    TEST("/worktree/worktrees-that-are-elsewhere-are-found",
         test_worktrees_that_are_elsewhere_are_found);
    TEST("/worktree/worktree-of-somebody-else-is-not-ours",
         test_worktree_of_somebody_else_is_not_ours);
    TEST("/worktree/worktrees-are-not-in-gits-folder", test_worktrees_are_not_in_gits_folder);
    TEST("/worktree/worktrees-inside-are-hidden-from-status",
         test_worktrees_inside_are_hidden_from_status);
    TEST("/worktree/copy-of-the-storkit-folder-leaves-worktrees-out",
         test_copy_of_the_storkit_folder_leaves_worktrees_out);
    int result = g_test_run();
    fixture_finish();
    return result;
}
