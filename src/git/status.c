/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/status.h"

#include <string.h>

#include "base/names.h"
#include "git/claim.h"
#include "git/found.h"
#include "git/lost-commits.h"
#include "git/places.h"
#include "git/untouched.h"

void worktree_status_free(WorktreeStatus *status)
{
    g_free(status->story);
    g_free(status->path);
    g_free(status->branch);
    g_free(status->base_branch);
    g_free(status->host);
    g_free(status);
}

static char *current_branch(Found *found)
{
    const Repo *tree = found_open(found, NULL);
    g_autoptr(git_reference) head = NULL;
    const char *target = NULL;
    if (tree && git_reference_lookup(&head, tree->git, "HEAD") == 0)
        target = git_reference_symbolic_target(head);
    /* Git takes any bytes for a name. */
    if (target && g_str_has_prefix(target, HEADS))
        return g_utf8_make_valid(target + strlen(HEADS), -1);
    return g_strdup(found->branch);
}

/* Finds out what is in the branch and in the tree, and which branch that has. */
static void look_into(Found *found, WorktreeStatus *status)
{
    g_autoptr(Work) work = work_new();
    char *branch = untouched_branch(found);
    const Repo *tree = branch ? NULL : found_open(found, NULL);
    gboolean known =
        !found->closed && work_add_branch(work, found->repo, found->branch, tree, NULL);
    status->branch = branch ? branch : current_branch(found);
    status->ahead = work->commits->len;
    if (!branch)
        found_add_tree_work(found, work);
    /* Commits of a repository inside, and those that were left, don't belong to the branch. */
    status->dirty = !known || work->files->len > 0 || work->commits->len > status->ahead;
}

static WorktreeStatus *status_of(Found *found)
{
    WorktreeStatus *status = g_new0(WorktreeStatus, 1);
    look_into(found, status);
    g_autofree char *base = worktree_kept_base_of(found->repo, found->branch, status->branch);
    status->story = g_strdup(found->story);
    status->path = g_strdup(found->path);
    status->base_branch = g_utf8_make_valid(base ? base : "", -1);
    status->host = worktree_claim_find_host(found->admin);
    status->missing = !found->there;
    return status;
}

WorktreeStatus *worktree_status(const Repo *repo, const char *story)
{
    g_autoptr(Found) found = name_is_valid(story) ? found_new(repo, story) : NULL;
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

GPtrArray *worktree_list(const Repo *repo)
{
    g_autofree char *admins = worktree_admin_folder(repo, NULL);
    g_autoptr(GDir) folder = g_dir_open(admins, 0, NULL);
    const char *story;
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)worktree_status_free);
    while (folder && (story = g_dir_read_name(folder))) {
        WorktreeStatus *status = worktree_status(repo, story);
        if (status)
            g_ptr_array_add(list, status);
    }
    g_ptr_array_sort(list, compare_stories);
    return list;
}
