/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/remove.h"

#include "base/file-read.h"
#include "base/names.h"
#include "git/claim.h"
#include "git/found.h"
#include "git/lost-commits.h"
#include "git/places.h"

#define LOCK_REASON_MAX (64 * 1024)

#define refuse(error, ...)                                                                         \
    g_set_error((error), STORKIT_ERROR, STORKIT_ERROR_WORKTREE_DIRTY, __VA_ARGS__)

/* That there is something to remove, and that it is git's. */
static gboolean check_ours(const Found *found, GError **error)
{
    if (found->there && !(found->registered && worktree_belongs_to(found->path, found->admin))) {
        worktree_fail(error,
                      "%s is not the git worktree of story %s: check it and remove it by hand",
                      found->path, found->story);
        return FALSE;
    }
    if (!found->there && !found->registered && !found_has_branch(found)) {
        worktree_fail(error, "story %s has no worktree in %s: ListWorktrees lists them",
                      found->story, found->repo->root);
        return FALSE;
    }
    return TRUE;
}

/* Why the worktree is locked: arbitrary text, so it is cleaned and cut for a message; "" if there
 * is none. */
static char *lock_reason(const char *admin)
{
    g_autofree char *file = g_build_filename(admin, "locked", NULL);
    g_autofree char *reason = file_read_text(file, LOCK_REASON_MAX);
    if (!reason)
        return g_strdup("");
    return name_for_message(g_strstrip(reason));
}

static gboolean check_unlocked(const Found *found, GError **error)
{
    if (!found->registered || !worktree_is_locked(found->admin))
        return TRUE;
    g_autofree char *reason = lock_reason(found->admin);
    refuse(error,
           "the worktree of story %s is locked%s%s: run `git worktree unlock %s`, or remove it by "
           "force",
           found->story, reason[0] ? ": " : "", reason, found->path);
    return FALSE;
}

/* By force, too: this machine cannot end the runs of another. */
static gboolean check_unclaimed(const Found *found, GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (worktree_claim_check(found->admin, &cause))
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_BUSY, "the worktree of story %s: %s",
                found->story, cause->message);
    return FALSE;
}

static gboolean check_no_work(const Found *found, const Work *work, GError **error)
{
    if (work->files->len == 0 && work->commits->len == 0)
        return TRUE;
    g_autofree char *what = work_describe(work);
    refuse(error,
           "the worktree %s of story %s has work that would be lost: %s; commit and merge it, or "
           "remove the worktree by force",
           found->path, found->story, what);
    return FALSE;
}

/* That nothing would be lost with the tree, and whether the branch may go with it. */
static gboolean check_work(Found *found, gboolean *ret_merged, GError **error)
{
    g_autoptr(Work) work = work_new();
    const Repo *tree = found_open(found, error);
    if (found->closed || !work_add_branch(work, found->repo, found->branch, tree, error))
        return FALSE;
    *ret_merged = work->commits->len == 0;
    /* Without a tree the branch stays, and its commits with it. */
    if (!found->there)
        g_ptr_array_set_size(work->commits, 0);
    found_add_tree_work(found, work);
    return check_no_work(found, work, error);
}

static gboolean delete_branch(const Found *found, GError **error)
{
    g_autofree char *reference = g_strconcat(HEADS, found->branch, NULL);
    g_autofree char *place = worktree_checked_out_at(found->repo, reference);
    /* Someone is working on it in another tree now. */
    return place || worktree_delete_branch(found->repo, found->branch, error);
}

gboolean worktree_remove(const Repo *repo, const char *story, gboolean force, GError **error)
{
    if (!name_check("story id", story, error))
        return FALSE;
    g_autoptr(Found) found = found_new(repo, story);
    worktree_finish_removals(found->path);
    gboolean merged = FALSE;
    if (!check_ours(found, error) || !check_unclaimed(found, error))
        return FALSE;
    if (!force && (!check_unlocked(found, error) || !check_work(found, &merged, error)))
        return FALSE;
    if (found->registered &&
        !worktree_remove_files(found->repo->root, found->path, found->admin, error))
        return FALSE;
    return !(force || merged) || delete_branch(found, error);
}
