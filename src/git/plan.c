/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/plan.h"

#include <string.h>
#include <sys/stat.h>

#include "git/exclude.h"
#include "git/library.h"
#include "git/lost-commits.h"
#include "git/lost-files.h"
#include "git/place.h"
#include "git/places.h"
#include "git/program.h"

#define SETUP_RECORD "storkit-setup-done"

static gboolean exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static gboolean reference_exists(const Repo *repo, const char *name)
{
    git_oid id;
    return git_reference_name_to_id(&id, repo->git, name) == 0;
}

static gboolean branch_exists(const Repo *repo, const char *branch)
{
    g_autofree char *name = g_strconcat(HEADS, branch, NULL);
    return reference_exists(repo, name);
}

/* Checks that a branch's name can be stored in run.json and sent on the bus: git allows any bytes.
 */
static gboolean check_utf8(const char *branch, const char *remedy, GError **error)
{
    g_autofree char *shown = g_utf8_make_valid(branch, -1);
    if (g_utf8_validate(branch, -1, NULL))
        return TRUE;
    worktree_fail(error,
                  "the name of the branch %s is not UTF-8: rename it with `git branch -m`, or %s",
                  shown, remedy);
    return FALSE;
}

/* --- The tree --- */

static void set_moved_error(const char *path, const char *registered, const char *story,
                            GError **error)
{
    if (exists(registered))
        worktree_fail(
            error,
            "git has another worktree called %s, at %s: remove it with `git worktree remove`, or "
            "choose another story id",
            story, registered);
    else
        worktree_fail(error,
                      "%s is in the way: git has that worktree at %s, which is missing; if it was "
                      "moved, run `git worktree repair %s`, otherwise remove it",
                      path, registered, path);
}

/* Libgit2 has no sparse index. */
static gboolean git_reads_index(const Repo *tree)
{
    static const char *const arguments[] = {"ls-files", "--", ":(top,literal).git", NULL};
    return git_program_run(tree, tree->root, arguments, NULL, NULL);
}

/* The existing worktree: on a branch, with a readable index. Takes the branch from it: an agent or
 * a person may have switched to another one, and work continues there. */
static gboolean read_existing(Worktree *worktree, const Repo *repo, GError **error)
{
    g_autoptr(Repo) tree = repo_open_other(repo, worktree->path, error);
    g_autoptr(git_index) index = NULL;
    if (!tree)
        return FALSE;
    g_autofree char *target = worktree_head(tree);
    if (!target || !g_str_has_prefix(target, HEADS)) {
        worktree_fail(
            error,
            "the worktree %s is on no branch (detached HEAD): finish the rebase or bisect in it, "
            "or run `git -C %s switch %s`",
            worktree->path, worktree->path, worktree->branch);
        return FALSE;
    }
    if (!check_utf8(target + strlen(HEADS), "switch the story's worktree to another one", error))
        return FALSE;
    if (!reference_exists(tree, target)) {
        worktree_fail(error,
                      "the worktree %s is on %s, which is gone: create that branch again, or run "
                      "`git worktree remove %s`",
                      worktree->path, target, worktree->path);
        return FALSE;
    }
    if (git_repository_index(&index, tree->git) < 0 && !git_reads_index(tree)) {
        git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED,
                          "cannot read the index of the worktree %s: run `git -C %s reset`",
                          worktree->path, worktree->path);
        return FALSE;
    }
    g_free(worktree->branch);
    worktree->branch = g_strdup(target + strlen(HEADS));
    return TRUE;
}

static gboolean check_not_locked(const char *admin, const char *story, GError **error)
{
    if (!worktree_is_locked(admin))
        return TRUE;
    worktree_fail(error,
                  "the worktree of story %s is missing, but locked in git: restore it, or run "
                  "`git worktree unlock %s` to have it created again",
                  story, story);
    return FALSE;
}

/* That git's folder @admin of a worktree that is gone holds nothing that its removal would lose:
 * the tree may have been moved, too. */
static gboolean check_nothing_left(const Worktree *worktree, const Repo *repo, const char *admin,
                                   GError **error)
{
    g_autofree char *head = g_build_filename(admin, "HEAD", NULL);
    g_autoptr(Work) work = work_new();
    /* A creation that was cut off leaves this. */
    if (!exists(head))
        return TRUE;
    work_add_modules(work, repo, admin);
    work_add_left_in(work, repo, admin);
    if (work->files->len == 0 && work->commits->len == 0)
        return TRUE;
    g_autofree char *what = work_describe(work);
    worktree_fail(error,
                  "the worktree %s is missing, but git still has work from it: %s; if it was "
                  "moved, move it back, otherwise save its commits with `git branch NAME "
                  "COMMIT`, or remove the worktree by force",
                  worktree->path, what);
    return FALSE;
}

/* Finds out whether the tree is there (sound), to be made, or blocked by something. */
static gboolean find_tree(Worktree *worktree, const Repo *repo, GError **error)
{
    g_autofree char *admin = worktree_admin_folder(repo, worktree->story);
    g_autofree char *registered = worktree_registered_path(admin);
    g_autofree char *own = worktree_own_path(repo, worktree->story);
    gboolean there = exists(worktree->path);
    gboolean elsewhere = registered && !g_str_equal(registered, worktree->path);
    if ((elsewhere && (there || exists(registered))) || (registered && there && !own)) {
        set_moved_error(worktree->path, registered, worktree->story, error);
        return FALSE;
    }
    if (there && (!registered || !worktree_belongs_to(worktree->path, admin))) {
        worktree_fail(error,
                      "%s is in the way: it is not the git worktree of story %s; move it away",
                      worktree->path, worktree->story);
        return FALSE;
    }
    worktree->new_worktree = !there;
    if (there)
        return read_existing(worktree, repo, error);
    /* An admin folder without a tree is what `rm -rf` leaves: creation clears it away. */
    return check_not_locked(admin, worktree->story, error) &&
           (!registered || check_nothing_left(worktree, repo, admin, error));
}

/* --- The branch --- */

/* Git stores branches as paths: a branch `story`, or one below ours, makes ours impossible. */
static gboolean check_name_is_free(const Repo *repo, const char *branch, GError **error)
{
    g_autofree char *below = g_strconcat(HEADS, branch, "/*", NULL);
    g_autoptr(git_reference_iterator) iterator = NULL;
    const char *name;
    if (branch_exists(repo, "story")) {
        worktree_fail(
            error, "a branch named `story` rules out all branches `story/…`: rename it with `git "
                   "branch -m story NEW-NAME`");
        return FALSE;
    }
    if (git_reference_iterator_glob_new(&iterator, repo->git, below) == 0 &&
        git_reference_next_name(&name, iterator) == 0) {
        worktree_fail(error, "the branch %s rules out a branch %s: rename it with `git branch -m`",
                      name + strlen(HEADS), branch);
        return FALSE;
    }
    return TRUE;
}

static gboolean find_branch(Worktree *worktree, const Repo *repo, GError **error)
{
    g_autofree char *reference = g_strconcat(HEADS, worktree->branch, NULL);
    if (!worktree->new_worktree)
        return TRUE;
    worktree->new_branch = !reference_exists(repo, reference);
    if (worktree->new_branch && !check_name_is_free(repo, worktree->branch, error))
        return FALSE;
    /* A HEAD may name a branch that is not there yet. */
    g_autofree char *elsewhere = worktree_checked_out_at(repo, reference);
    if (elsewhere) {
        worktree_fail(error, "the branch %s is checked out in %s: switch that to another branch",
                      worktree->branch, elsewhere);
        return FALSE;
    }
    return TRUE;
}

/* --- The base --- */

/* HEAD's branch. */
static char *default_base(const char *root, const Repo *repo, GError **error)
{
    g_autofree char *target = worktree_head(repo);
    if (!target || !g_str_has_prefix(target, HEADS)) {
        worktree_fail(error, "HEAD of %s is detached: check out a branch, or pass base_branch",
                      root);
        return NULL;
    }
    return g_strdup(target + strlen(HEADS));
}

static void set_no_base_error(const char *root, const Repo *repo, const char *base, GError **error)
{
    const char *name = g_str_has_prefix(base, HEADS)     ? base + strlen(HEADS)
                       : g_str_has_prefix(base, REMOTES) ? base + strlen(REMOTES)
                                                         : NULL;
    if (name)
        worktree_fail(error, "base_branch must be the name of a branch: pass '%s' instead of '%s'",
                      name, base);
    else if (git_repository_head_unborn(repo->git) == 1)
        worktree_fail(error,
                      "%s has no commit on its branch yet (%s): make one, or pass base_branch",
                      root, base);
    else
        worktree_fail(
            error,
            "no branch %s in %s to base the story on: pass another base_branch, or create "
            "it with `git branch %s`",
            base, root, base);
}

/* The commit that the local or remote-tracking branch @base is at, in hex. */
static char *base_commit(const char *root, const Repo *repo, const char *base, GError **error)
{
    static const char *const prefixes[] = {HEADS, REMOTES};
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        g_autofree char *name = g_strconcat(prefixes[i], base, NULL);
        g_autoptr(git_reference) reference = NULL;
        g_autoptr(git_object) commit = NULL;

        if (git_reference_lookup(&reference, repo->git, name) == 0 &&
            git_reference_peel(&commit, reference, GIT_OBJECT_COMMIT) == 0) {
            char hex[GIT_OID_HEXSZ + 1];
            return g_strdup(git_oid_tostr(hex, sizeof hex, git_object_id(commit)));
        }
    }
    set_no_base_error(root, repo, base, error);
    return NULL;
}

static gboolean find_base(Worktree *worktree, const Repo *repo, const char *asked, GError **error)
{
    g_autofree char *own = g_strconcat(BRANCH_PREFIX, worktree->story, NULL);
    g_autofree char *kept =
        worktree->new_branch ? NULL : worktree_kept_base_of(repo, own, worktree->branch);
    gboolean check = worktree->new_branch || (asked && !kept);
    if (asked && kept && !g_str_equal(asked, kept)) {
        worktree_fail(
            error,
            "story %s is based on %s, not on %s: leave base_branch out, or use another story id",
            worktree->story, kept, asked);
        return FALSE;
    }
    worktree->base_branch = kept    ? g_steal_pointer(&kept)
                            : asked ? g_strdup(asked)
                                    : default_base(worktree->root, repo, error);
    if (!worktree->base_branch ||
        !check_utf8(worktree->base_branch, "pass another base_branch", error))
        return FALSE;
    if (check) {
        g_autofree char *commit = base_commit(worktree->root, repo, worktree->base_branch, error);
        if (!commit)
            return FALSE;
        if (worktree->new_branch)
            worktree->base_commit = g_steal_pointer(&commit);
    }
    return TRUE;
}

static void find_record(Worktree *worktree, const Repo *repo)
{
    g_autofree char *admin = worktree_admin_folder(repo, worktree->story);
    worktree->record = g_build_filename(admin, SETUP_RECORD, NULL);
    /* That of a tree which is gone says nothing of the next one. */
    worktree->prepared = !worktree->new_worktree && exists(worktree->record);
    worktree->new_exclude = worktree->new_worktree && !worktree_is_excluded(repo, worktree->path);
}

/* The one that is there, wherever that is, or the one to be made. */
static char *find_path(const Repo *repo, const char *story, const char *place, GError **error)
{
    g_autofree char *own = worktree_own_path(repo, story);
    if (own && exists(own))
        return g_steal_pointer(&own);
    g_autofree char *folder = worktree_place(repo, place, error);
    return folder ? g_build_filename(folder, story, NULL) : NULL;
}

Worktree *worktree_plan(const Repo *repo, const char *story, const char *base_branch,
                        const char *place, GError **error)
{
    g_autoptr(Worktree) worktree = g_new0(Worktree, 1);
    worktree->path = find_path(repo, story, place, error);
    if (!worktree->path)
        return NULL;
    worktree->root = g_strdup(repo->root);
    worktree->story = g_strdup(story);
    worktree->branch = g_strconcat(BRANCH_PREFIX, story, NULL);
    if (!find_tree(worktree, repo, error) || !find_branch(worktree, repo, error) ||
        !find_base(worktree, repo, base_branch, error))
        return NULL;
    find_record(worktree, repo);
    return g_steal_pointer(&worktree);
}
