/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/found.h"

#include "git/lost-commits.h"
#include "git/lost-files.h"
#include "git/places.h"

void found_free(Found *found)
{
    git_repository_free(found->repository);
    g_free(found->root);
    g_free(found->story);
    g_free(found->path);
    g_free(found->admin);
    g_free(found->branch);
    g_free(found);
}

Found *found_find(const char *root, const char *story, GError **error)
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

const char *found_tree(const Found *found)
{
    return found->there ? found->path : NULL;
}

gboolean found_has_branch(const Found *found)
{
    g_autofree char *reference = g_strconcat(HEADS, found->branch, NULL);
    git_oid id;

    return git_reference_name_to_id(&id, found->repository, reference) == 0;
}

void found_add_tree_work(const Found *found, Work *work)
{
    if (found->there)
        work_add_tree(work, found->path);
    if (!found->registered)
        return;
    work_add_modules(work, found->admin);
    work_add_left(work, found->repository, found->admin);
}
