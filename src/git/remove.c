/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/remove.h"

#include <string.h>

#include "base/names.h"
#include "git/places.h"
#include "git/lost-work.h"

#define refuse(error, ...)                                                                         \
    g_set_error((error), STORKIT_ERROR, STORKIT_ERROR_WORKTREE_DIRTY, __VA_ARGS__)

/** A story's worktree as it is found. */
typedef struct {
    git_repository *repository;
    char *root, *story;
    char *path, *admin, *branch;
    gboolean there;      /* the folder */
    gboolean registered; /* git's folder of it */
} Found;

static void found_free(Found *found)
{
    git_repository_free(found->repository);
    g_free(found->root);
    g_free(found->story);
    g_free(found->path);
    g_free(found->admin);
    g_free(found->branch);
    g_free(found);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Found, found_free)

static Found *find(const char *root, const char *story, GError **error)
{
    git_repository *repository = git_library_open(root, error);
    g_autofree char *at = NULL;
    Found *found;

    if (!repository)
        return NULL;
    found = g_new0(Found, 1);
    found->repository = repository;
    found->root = g_strdup(root);
    found->story = g_strdup(story);
    found->path = g_build_filename(root, WORKTREES_FOLDER, story, NULL);
    found->admin = worktree_admin_folder(repository, story);
    found->branch = g_strconcat(BRANCH_PREFIX, story, NULL);
    found->there = g_file_test(found->path, G_FILE_TEST_EXISTS);
    at = worktree_registered_path(found->admin);
    found->registered = g_strcmp0(at, found->path) == 0;
    return found;
}

/** The tree's path where it can be looked into. */
static const char *tree_of(const Found *found)
{
    return found->there ? found->path : NULL;
}

/* ---- list ---- */

void worktree_status_free(WorktreeStatus *status)
{
    g_free(status->story);
    g_free(status->path);
    g_free(status->branch);
    g_free(status->base_branch);
    g_free(status);
}

static char *current_branch(const Found *found)
{
    g_autoptr(git_repository) tree = NULL;
    g_autoptr(git_reference) head = NULL;
    const char *target = NULL;

    if (git_repository_open(&tree, found->path) == 0 &&
        git_reference_lookup(&head, tree, "HEAD") == 0)
        target = git_reference_symbolic_target(head);
    /* Git takes any bytes for a name. */
    if (target && g_str_has_prefix(target, HEADS))
        return g_utf8_make_valid(target + strlen(HEADS), -1);
    return g_strdup(found->branch);
}

/** Adds what goes with the tree and with git's folder of it, the branch's commits left out. */
static void add_tree_work(const Found *found, Work *work)
{
    if (found->there)
        work_add_tree(work, found->path);
    if (!found->registered)
        return;
    work_add_modules(work, found->admin);
    work_add_left(work, found->repository, found->admin);
}

static WorktreeStatus *status_of(const Found *found)
{
    g_autoptr(Work) work = work_new();
    g_autofree char *base = worktree_kept_base(found->repository, found->branch);
    WorktreeStatus *status = g_new0(WorktreeStatus, 1);
    gboolean known = work_add_branch(work, found->repository, found->branch, tree_of(found), NULL);

    status->story = g_strdup(found->story);
    status->path = g_strdup(found->path);
    status->branch = current_branch(found);
    status->base_branch = g_utf8_make_valid(base ? base : "", -1);
    status->missing = !found->there;
    status->ahead = work->commits->len;
    add_tree_work(found, work);
    /* Commits of a repository inside, and those that were left, are no commits of the branch. */
    status->dirty = !known || work->files->len > 0 || work->commits->len > status->ahead;
    return status;
}

WorktreeStatus *worktree_status(const char *root, const char *story)
{
    g_autoptr(Found) found = name_is_valid(story) ? find(root, story, NULL) : NULL;
    g_autoptr(WorktreeStatus) status = found && found->registered ? status_of(found) : NULL;
    g_autofree char *still = status ? worktree_registered_path(found->admin) : NULL;

    /* Somebody may have removed it meanwhile. */
    return still ? g_steal_pointer(&status) : NULL;
}

static int compare_stories(gconstpointer a, gconstpointer b)
{
    const WorktreeStatus *const *left = a;
    const WorktreeStatus *const *right = b;

    return strcmp((*left)->story, (*right)->story);
}

GPtrArray *worktree_list(const char *root, GError **error)
{
    g_autoptr(git_repository) repository = git_library_open(root, error);
    g_autofree char *admins = repository ? worktree_admin_folder(repository, NULL) : NULL;
    g_autoptr(GDir) folder = admins ? g_dir_open(admins, 0, NULL) : NULL;
    GPtrArray *list = NULL;
    const char *story;

    if (!repository)
        return NULL;
    list = g_ptr_array_new_with_free_func((GDestroyNotify)worktree_status_free);
    while (folder && (story = g_dir_read_name(folder))) {
        WorktreeStatus *status = worktree_status(root, story);
        if (status)
            g_ptr_array_add(list, status);
    }
    g_ptr_array_sort(list, compare_stories);
    return list;
}

/* ---- remove ---- */

static gboolean has_branch(const Found *found)
{
    g_autofree char *reference = g_strconcat(HEADS, found->branch, NULL);
    git_oid id;

    return git_reference_name_to_id(&id, found->repository, reference) == 0;
}

/** That there is something to remove, and that it is git's. */
static gboolean check_ours(const Found *found, GError **error)
{
    if (found->there && !(found->registered && worktree_belongs_to(found->path, found->admin))) {
        fail(error, "%s is not git's worktree of story %s: look at it and remove it by hand",
             found->path, found->story);
        return FALSE;
    }
    if (!found->there && !found->registered && !has_branch(found)) {
        fail(error, "story %s has no worktree in %s: ListWorktrees shows those there are",
             found->story, found->root);
        return FALSE;
    }
    return TRUE;
}

/** Why the worktree is locked: anything that somebody wrote there, so it is cleaned and cut for a
 *  message; "" where nothing is said. */
static char *lock_reason(const char *admin)
{
    g_autofree char *file = g_build_filename(admin, "locked", NULL);
    g_autofree char *reason = NULL;

    if (!g_file_get_contents(file, &reason, NULL, NULL))
        return g_strdup("");
    return name_for_message(g_strstrip(reason));
}

static gboolean check_unlocked(const Found *found, GError **error)
{
    g_autofree char *reason = NULL;

    if (!found->registered || !worktree_is_locked(found->admin))
        return TRUE;
    reason = lock_reason(found->admin);
    refuse(error,
           "the worktree of story %s is locked%s%s: run `git worktree unlock %s`, or remove it by "
           "force",
           found->story, reason[0] ? ": " : "", reason, found->path);
    return FALSE;
}

static gboolean check_no_work(const Found *found, const Work *work, GError **error)
{
    g_autofree char *what = NULL;

    if (work->files->len == 0 && work->commits->len == 0)
        return TRUE;
    what = work_describe(work);
    refuse(error,
           "the worktree %s of story %s has work that would be lost: %s; commit and merge it, or "
           "remove the worktree by force",
           found->path, found->story, what);
    return FALSE;
}

/** That nothing would be lost with the tree, and whether the branch may go with it. */
static gboolean check_work(const Found *found, gboolean *ret_merged, GError **error)
{
    g_autoptr(Work) work = work_new();

    if (!work_add_branch(work, found->repository, found->branch, tree_of(found), error))
        return FALSE;
    *ret_merged = work->commits->len == 0;
    /* Without a tree the branch stays, and its commits with it. */
    if (!found->there)
        g_ptr_array_set_size(work->commits, 0);
    add_tree_work(found, work);
    return check_no_work(found, work, error);
}

static gboolean delete_branch(const Found *found, GError **error)
{
    g_autofree char *reference = g_strconcat(HEADS, found->branch, NULL);
    g_autofree char *place = worktree_checked_out_at(found->repository, reference);

    /* Someone is working on it in another tree now. */
    return place || worktree_delete_branch(found->repository, found->branch, error);
}

gboolean worktree_remove(const char *root, const char *story, gboolean force, GError **error)
{
    g_autoptr(Found) found = NULL;
    gboolean merged = FALSE;

    if (!name_check("story id", story, error))
        return FALSE;
    found = find(root, story, error);
    if (!found)
        return FALSE;
    worktree_finish_removals(root);
    if (!check_ours(found, error))
        return FALSE;
    if (!force && (!check_unlocked(found, error) || !check_work(found, &merged, error)))
        return FALSE;
    if (found->registered && !worktree_remove_files(found->root, found->path, found->admin, error))
        return FALSE;
    return !(force || merged) || delete_branch(found, error);
}
