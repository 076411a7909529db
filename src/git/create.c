/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/places.h"

#include <errno.h>
#include <unistd.h>

#include "base/test-hooks.h"
#include "git/lock.h"
#include "base/file-tree.h"
#include "git/lost-work.h"

/* ---- create ---- */

static gboolean make_branch(git_repository *repository, const Worktree *worktree, GError **error)
{
    g_autoptr(git_commit) commit = NULL;
    g_autoptr(git_reference) branch = NULL;
    git_oid id;

    if (git_oid_fromstr(&id, worktree->base_commit) < 0 ||
        git_commit_lookup(&commit, repository, &id) < 0 ||
        git_branch_create(&branch, repository, worktree->branch, commit, FALSE) < 0) {
        git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED,
                          "the branch %s can't be made; see that you may write to git's folder of "
                          "%s",
                          worktree->branch, worktree->root);
        return FALSE;
    }
    return TRUE;
}

static gboolean keep_base(git_repository *repository, const Worktree *worktree, GError **error)
{
    g_autofree char *key = g_strdup_printf("branch.%s.storkitBase", worktree->branch);
    g_autoptr(git_config) config = NULL;
    g_autoptr(git_config) local = NULL;

    /* The level is named because newer libgit2 would write to config.worktree where there is one.
     */
    if (git_repository_config(&config, repository) == 0 &&
        git_config_open_level(&local, config, GIT_CONFIG_LEVEL_LOCAL) == 0 &&
        git_config_set_string(local, key, worktree->base_branch) == 0)
        return TRUE;
    git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED,
                      "git's config of %s can't be written; see that you may write to it",
                      worktree->root);
    return FALSE;
}

/** Makes room: the parent folder, and no admin folder of a worktree that was removed by hand. */
static gboolean make_room(git_repository *repository, const Worktree *worktree, GError **error)
{
    g_autofree char *admin = worktree_admin_folder(repository, worktree->story);
    g_autofree char *parent = g_path_get_dirname(worktree->path);
    g_autoptr(GError) cause = NULL;

    worktree_finish_removals(worktree->root);
    if (!file_tree_remove(admin, &cause)) {
        fail(error, "git's folder of a worktree that is gone can't be removed: %s", cause->message);
        return FALSE;
    }
    if (g_mkdir_with_parents(parent, 0777) == 0)
        return TRUE;
    fail(error, "%s can't be made: %s", parent, g_strerror(errno));
    return FALSE;
}

static gboolean is_tracked(const char *path, gpointer data)
{
    git_index *index = data;

    /* Worktrees inside a worktree would be copies of all others. */
    if (g_str_equal(path, WORKTREES_FOLDER))
        return TRUE;
    return git_index_get_bypath(index, path, 0) != NULL;
}

static gboolean check_copy_path(const char *path, GError **error)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    gboolean valid = path[0] && !g_path_is_absolute(path) && !g_str_equal(names[0], ".git");

    for (char **name = names; *name && valid; name++)
        valid = !g_str_equal(*name, "..");
    if (!valid)
        fail(error, "`copy` can't have \"%s\": name files or folders inside the project", path);
    return valid;
}

static gboolean copy_ignored(const Worktree *worktree, const char *const *copy, GError **error)
{
    g_autoptr(git_repository) tree = git_library_open(worktree->path, error);
    g_autoptr(git_index) index = NULL;
    g_autoptr(GError) cause = NULL;

    if (!tree)
        return FALSE;
    if (git_repository_index(&index, tree) < 0) {
        git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED, "the index of %s can't be read",
                          worktree->path);
        return FALSE;
    }
    for (; *copy; copy++) {
        g_autofree char *clean = NULL;
        if (!check_copy_path(*copy, error))
            return FALSE;
        clean = g_canonicalize_filename(*copy, "/");
        if (!file_tree_copy(worktree->root, worktree->path, clean + 1, is_tracked, index, &cause)) {
            fail(error, "`copy` of %s failed: %s", *copy, cause->message);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean write_record(const Worktree *worktree, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (g_file_set_contents(worktree->record, "", 0, &cause))
        return TRUE;
    fail(error, "the worktree's record can't be written: %s", cause->message);
    return FALSE;
}

static gboolean make(git_repository *repository, const Worktree *worktree, const char *const *copy,
                     GError **error)
{
    if (worktree->new_branch && !keep_base(repository, worktree, error))
        return FALSE;
    fault_point("base");
    if (!worktree_exclude(repository, error))
        return FALSE;
    fault_point("exclude");
    if (!make_room(repository, worktree, error))
        return FALSE;
    fault_point("room");
    if (!worktree_checkout(repository, worktree, error))
        return FALSE;
    fault_point("checkout");
    return !copy || copy_ignored(worktree, copy, error);
}

/** Between plan and creation others may have been at it. */
static gboolean check_unchanged(const Worktree *worktree, GError **error)
{
    g_autoptr(Worktree) now =
        worktree_plan(worktree->root, worktree->story, worktree->base_branch, error);

    if (!now)
        return FALSE;
    if (now->new_worktree == worktree->new_worktree && now->new_branch == worktree->new_branch)
        return TRUE;
    fail(error, "the worktree or the branch of story %s changed at this moment: start again",
         worktree->story);
    return FALSE;
}

static gboolean make_or_undo(const Worktree *worktree, const char *const *copy, GError **error)
{
    g_autoptr(git_repository) repository = git_library_open(worktree->root, error);
    g_autoptr(GError) cause = NULL;

    if (!repository)
        return FALSE;
    /* First, and outside of what is undone: where someone else was faster, it is theirs. */
    if (worktree->new_branch && !make_branch(repository, worktree, error))
        return FALSE;
    fault_point("branch");
    if (make(repository, worktree, copy, error))
        return TRUE;
    if (!worktree_undo(worktree, TRUE, &cause))
        g_prefix_error(error, "(and could not be undone: %s) ", cause->message);
    return FALSE;
}

gboolean worktree_create(const Worktree *worktree, gboolean needs_setup, const char *const *copy,
                         GError **error)
{
    if (!check_unchanged(worktree, error))
        return FALSE;
    if (worktree->new_worktree && !make_or_undo(worktree, copy, error))
        return FALSE;
    return needs_setup || worktree->prepared || write_record(worktree, error);
}

/* ---- undo ---- */

/** Whether HEAD, at @id, of the tree holds nothing that would be lost with it. */
static gboolean head_is_safe(const Worktree *worktree, git_repository *tree, const git_oid *id)
{
    if (worktree->new_branch)
        return git_oid_streq(id, worktree->base_commit) == 0;
    return git_repository_head_detached(tree) == 0;
}

/** That nobody has worked in the tree since its creation, which may be hours ago where the service
 *  died in between. */
static gboolean check_no_work(git_repository *repository, const Worktree *worktree,
                              git_repository *tree, GError **error)
{
    g_autofree char *admin = worktree_admin_folder(repository, worktree->story);
    g_autoptr(Work) work = work_new();
    g_autofree char *what = NULL;

    if (!worktree_add_others_files(worktree, tree, work->files))
        g_ptr_array_add(work->files, g_strdup("it can't be looked into"));
    work_add_left(work, repository, admin);
    if (work->files->len == 0 && work->commits->len == 0)
        return TRUE;
    what = work_describe(work);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_DIRTY,
                "somebody has worked in the worktree %s, which is left as it is: %s",
                worktree->path, what);
    return FALSE;
}

static gboolean check_tree(git_repository *repository, const Worktree *worktree, gboolean all,
                           GError **error)
{
    g_autoptr(git_repository) tree = NULL;
    git_oid id;

    /* One whose HEAD can't be read is that of a creation which did not get so far. */
    if (git_repository_open(&tree, worktree->path) < 0 ||
        git_reference_name_to_id(&id, tree, "HEAD") < 0)
        return TRUE;
    if (head_is_safe(worktree, tree, &id))
        return all || check_no_work(repository, worktree, tree, error);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_DIRTY,
                "the worktree %s has new commits and is left as it is", worktree->path);
    return FALSE;
}

static gboolean undo_tree(git_repository *repository, const Worktree *worktree, gboolean all,
                          GError **error)
{
    g_autofree char *admin = worktree_admin_folder(repository, worktree->story);
    g_autofree char *registered = worktree_registered_path(admin);
    gboolean ours = worktree_belongs_to(worktree->path, admin);

    if (registered && !g_str_equal(registered, worktree->path))
        return TRUE;
    /* A creation that was cut off early leaves an empty folder; any other without our `.git` file
     * is not ours. */
    if (!ours && rmdir(worktree->path) < 0 && errno != ENOENT)
        return TRUE;
    if (ours && !check_tree(repository, worktree, all, error))
        return FALSE;
    return worktree_remove_files(worktree->root, worktree->path, admin, error);
}

/** Removes what is left of a branch where its creation or its deletion was cut off: the lock, which
 *  would make the next creation fail, and the folder of all stories' branches if it is empty. */
static void tidy_branch(git_repository *repository, const char *reference)
{
    g_autofree char *path = g_build_filename(git_repository_commondir(repository), reference, NULL);
    g_autofree char *lock = g_strconcat(path, ".lock", NULL);
    g_autofree char *folder = g_path_get_dirname(path);

    (void)unlink(lock);
    (void)rmdir(folder);
}

static gboolean undo_branch(git_repository *repository, const Worktree *worktree, GError **error)
{
    g_autofree char *reference = g_strconcat(HEADS, worktree->branch, NULL);
    git_oid id;

    if (git_reference_name_to_id(&id, repository, reference) < 0) {
        tidy_branch(repository, reference);
        return TRUE;
    }
    if (git_oid_streq(&id, worktree->base_commit) != 0)
        return TRUE;
    return worktree_delete_branch(repository, worktree->branch, error);
}

static gboolean undo_exclude(git_repository *repository, const Worktree *worktree, GError **error)
{
    g_autofree char *folder = g_build_filename(worktree->root, WORKTREES_FOLDER, NULL);

    /* Another story's worktree may rely on the line by now. */
    return g_file_test(folder, G_FILE_TEST_EXISTS) || worktree_unexclude(repository, error);
}

void worktree_break_stale_locks(const Worktree *worktree, guint64 since)
{
    static const char *const files[] = {"config", "packed-refs"};
    g_autoptr(git_repository) repository = git_library_open(worktree->root, NULL);

    for (gsize i = 0; repository && i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path =
            g_build_filename(git_repository_commondir(repository), files[i], NULL);
        git_lock_break_stale(path, since);
    }
}

gboolean worktree_undo(const Worktree *worktree, gboolean all, GError **error)
{
    g_autoptr(git_repository) repository = git_library_open(worktree->root, error);

    if (!repository)
        return FALSE;
    if (worktree->new_worktree && !undo_tree(repository, worktree, all, error))
        return FALSE;
    fault_point("undo-tree");
    if (worktree->new_branch && !undo_branch(repository, worktree, error))
        return FALSE;
    fault_point("undo-branch");
    return !worktree->new_exclude || undo_exclude(repository, worktree, error);
}
