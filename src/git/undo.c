/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/undo.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test-hooks.h"
#include "git/exclude.h"
#include "git/lock.h"
#include "git/lost-commits.h"
#include "git/own-files.h"
#include "git/places.h"

/* Whether HEAD, at @id, of the tree holds nothing that would be lost with it. */
static gboolean head_is_safe(const Worktree *worktree, const Repo *tree, const git_oid *id)
{
    if (worktree->new_branch)
        return git_oid_streq(id, worktree->base_commit) == 0;
    return git_repository_head_detached(tree->git) == 0;
}

/* That nobody has worked in the tree since its creation, which may be hours ago where the service
 * died in between. */
static gboolean check_no_work(const Repo *repo, const Worktree *worktree, const Repo *tree,
                              GError **error)
{
    g_autofree char *admin = worktree_admin_folder(repo, worktree->story);
    g_autoptr(Work) work = work_new();
    if (!worktree_add_others_files(worktree, tree, work->files))
        g_ptr_array_add(work->files, g_strdup("it cannot be read"));
    work_add_left_in(work, repo, admin);
    if (work->files->len == 0 && work->commits->len == 0)
        return TRUE;
    g_autofree char *what = work_describe(work);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_DIRTY,
                "the worktree %s has been worked in and is left as it is: %s", worktree->path,
                what);
    return FALSE;
}

static gboolean check_tree(const Repo *repo, const Worktree *worktree, gboolean all, GError **error)
{
    g_autoptr(Repo) tree = repo_open_other(repo, worktree->path, NULL);
    git_oid id;
    /* One whose HEAD can't be read is that of a creation which did not get so far. */
    if (!tree || git_reference_name_to_id(&id, tree->git, "HEAD") < 0 || git_oid_is_zero(&id))
        return TRUE;
    if (head_is_safe(worktree, tree, &id))
        return all || check_no_work(repo, worktree, tree, error);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_DIRTY,
                "the worktree %s has new commits and is left as it is", worktree->path);
    return FALSE;
}

/* Whether there is a `.git` that nothing has been written to, and nothing else. */
static gboolean has_empty_git_file_only(const char *path)
{
    g_autofree char *file = g_build_filename(path, ".git", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *first = dir ? g_dir_read_name(dir) : NULL;
    struct stat st;
    return first && !g_dir_read_name(dir) && lstat(file, &st) == 0 && S_ISREG(st.st_mode) &&
           st.st_size == 0;
}

/* What a creation leaves that was cut off early: an empty folder; on a full disk, one with an empty
 * `.git`. Any other folder without our `.git` file does not belong to us: FALSE. */
static gboolean remove_cut_off(const char *path)
{
    g_autofree char *file = g_build_filename(path, ".git", NULL);
    if (has_empty_git_file_only(path))
        (void)unlink(file);
    return rmdir(path) == 0 || errno == ENOENT;
}

static gboolean undo_tree(const Repo *repo, const Worktree *worktree, gboolean all, GError **error)
{
    g_autofree char *admin = worktree_admin_folder(repo, worktree->story);
    g_autofree char *registered = worktree_registered_path(admin);
    gboolean ours = worktree_belongs_to(worktree->path, admin);
    if (registered && !g_str_equal(registered, worktree->path))
        return TRUE;
    if (!ours && !remove_cut_off(worktree->path))
        return TRUE;
    if (ours && !check_tree(repo, worktree, all, error))
        return FALSE;
    return worktree_remove_files(worktree->root, worktree->path, admin, error);
}

/* Removes the remains of a branch whose creation or deletion was cut off: the lock, which would
 * make the next creation fail, and the folder of all stories' branches if it is empty. */
static void tidy_branch(const Repo *repo, const char *reference)
{
    g_autofree char *path = repo_file(repo, reference);
    g_autofree char *lock = g_strconcat(path, ".lock", NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    (void)unlink(lock);
    (void)rmdir(folder);
}

static gboolean undo_branch(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autofree char *reference = g_strconcat(HEADS, worktree->branch, NULL);
    git_oid id;
    if (git_reference_name_to_id(&id, repo->git, reference) < 0) {
        tidy_branch(repo, reference);
        return TRUE;
    }
    if (git_oid_streq(&id, worktree->base_commit) != 0)
        return TRUE;
    return worktree_delete_branch(repo, worktree->branch, error);
}

static gboolean undo_exclude(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(worktree->path);
    /* Another story's worktree may rely on the line by now. */
    return g_file_test(folder, G_FILE_TEST_EXISTS) ||
           worktree_unexclude(repo, worktree->path, error);
}

void worktree_break_stale_locks(const Repo *repo, guint64 since)
{
    static const char *const files[] = {"config", "packed-refs"};
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = repo_file(repo, files[i]);
        git_lock_break_stale(path, since);
    }
}

gboolean worktree_undo(const Repo *repo, const Worktree *worktree, gboolean all, GError **error)
{
    if (worktree->new_worktree && !undo_tree(repo, worktree, all, error))
        return FALSE;
    fault_point("undo-tree");
    if (worktree->new_branch && !undo_branch(repo, worktree, error))
        return FALSE;
    fault_point("undo-branch");
    return !worktree->new_exclude || undo_exclude(repo, worktree, error);
}
