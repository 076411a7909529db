/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/create.h"

#include <errno.h>

#include "base/file-tree.h"
#include "base/test-hooks.h"
#include "git/checkout.h"
#include "git/copies.h"
#include "git/exclude.h"
#include "git/place.h"
#include "git/places.h"
#include "git/plan.h"
#include "git/undo.h"

static gboolean make_branch(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autoptr(git_commit) commit = NULL;
    g_autoptr(git_reference) branch = NULL;
    git_oid id;
    if (git_oid_fromstr(&id, worktree->base_commit) < 0 ||
        git_commit_lookup(&commit, repo->git, &id) < 0 ||
        git_branch_create(&branch, repo->git, worktree->branch, commit, FALSE) < 0) {
        git_library_error(
            error, STORKIT_ERROR_WORKTREE_FAILED,
            "cannot create the branch %s; check that you may write to the git folder of %s",
            worktree->branch, worktree->root);
        return FALSE;
    }
    return TRUE;
}

static gboolean keep_base(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autofree char *key = g_strdup_printf("branch.%s.storkitBase", worktree->branch);
    g_autoptr(git_config) config = NULL;
    g_autoptr(git_config) local = NULL;
    /* The level is named because newer libgit2 would write to config.worktree where there is one.
     */
    if (git_repository_config(&config, repo->git) == 0 &&
        git_config_open_level(&local, config, GIT_CONFIG_LEVEL_LOCAL) == 0 &&
        git_config_set_string(local, key, worktree->base_branch) == 0)
        return TRUE;
    git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED,
                      "cannot write the git config of %s; check that you may write to it",
                      worktree->root);
    return FALSE;
}

/* Makes room: the parent folder, and no admin folder of a worktree that was removed by hand. */
static gboolean make_room(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autofree char *admin = worktree_admin_folder(repo, worktree->story);
    g_autofree char *parent = g_path_get_dirname(worktree->path);
    g_autoptr(GError) cause = NULL;
    worktree_finish_removals(worktree->path);
    if (!file_tree_remove(admin, &cause)) {
        worktree_fail(error, "cannot remove the git folder of a missing worktree: %s",
                      cause->message);
        return FALSE;
    }
    if (g_mkdir_with_parents(parent, 0777) == 0)
        return TRUE;
    worktree_fail(error, "cannot create %s: %s", parent, g_strerror(errno));
    return FALSE;
}

static gboolean write_record(const Worktree *worktree, GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (g_file_set_contents(worktree->record, "", 0, &cause))
        return TRUE;
    worktree_fail(error, "cannot write the record of the worktree: %s", cause->message);
    return FALSE;
}

static gboolean keep_owner(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autofree char *admin = worktree_admin_folder(repo, worktree->story);
    if (worktree_set_owner(worktree->root, worktree->path, admin))
        return TRUE;
    worktree_fail(error, "git's folder %s cannot be written to: %s", admin, g_strerror(errno));
    return FALSE;
}

static gboolean make(const Repo *repo, const Worktree *worktree, const char *const *copy,
                     GError **error)
{
    if (worktree->new_branch && !keep_base(repo, worktree, error))
        return FALSE;
    fault_point("base");
    if (!worktree_exclude(repo, worktree->path, error))
        return FALSE;
    fault_point("exclude");
    if (!make_room(repo, worktree, error))
        return FALSE;
    fault_point("room");
    if (!worktree_checkout(repo, worktree, error))
        return FALSE;
    fault_point("checkout");
    if (!keep_owner(repo, worktree, error))
        return FALSE;
    return !copy || !*copy || worktree_copy_ignored(repo, worktree, copy, error);
}

/* Between plan and creation others may have been at it. */
static gboolean check_unchanged(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autofree char *place = g_path_get_dirname(worktree->path);
    g_autoptr(Worktree) now =
        worktree_plan(repo, worktree->story, worktree->base_branch, place, error);
    if (!now)
        return FALSE;
    if (now->new_worktree == worktree->new_worktree && now->new_branch == worktree->new_branch)
        return TRUE;
    worktree_fail(error, "the worktree or the branch of story %s changed meanwhile: start it again",
                  worktree->story);
    return FALSE;
}

static gboolean make_or_undo(const Repo *repo, const Worktree *worktree, const char *const *copy,
                             GError **error)
{
    g_autoptr(GError) cause = NULL;
    /* First, and not part of the undo: if someone else was faster, it is theirs. */
    if (worktree->new_branch && !make_branch(repo, worktree, error))
        return FALSE;
    fault_point("branch");
    if (make(repo, worktree, copy, error))
        return TRUE;
    if (!worktree_undo(repo, worktree, TRUE, &cause))
        g_prefix_error(error, "(and could not be undone: %s) ", cause->message);
    return FALSE;
}

gboolean worktree_create(const Repo *repo, const Worktree *worktree, gboolean needs_setup,
                         const char *const *copy, GError **error)
{
    if (!check_unchanged(repo, worktree, error))
        return FALSE;
    if (worktree->new_worktree && !make_or_undo(repo, worktree, copy, error))
        return FALSE;
    return needs_setup || worktree->prepared || write_record(worktree, error);
}
