/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/found.h"

#include "git/lost-commits.h"
#include "git/lost-files.h"
#include "git/place.h"
#include "git/places.h"

void found_free(Found *found)
{
    g_free(found->story);
    g_free(found->path);
    g_free(found->admin);
    g_free(found->branch);
    g_clear_pointer(&found->tree, repo_free);
    g_clear_error(&found->closed);
    g_free(found);
}

Found *found_new(const Repo *repo, const char *story)
{
    char *admin = worktree_admin_folder(repo, story);
    char *own = worktree_own_path(repo, story);
    char *path = own ? own : g_build_filename(repo->root, WORKTREES_FOLDER, story, NULL);
    Found *found = g_new0(Found, 1);
    *found = (Found){
        .repo = repo,
        .story = g_strdup(story),
        .there = g_file_test(path, G_FILE_TEST_EXISTS),
        .registered = own != NULL,
        .path = path,
        .admin = admin,
        .branch = g_strconcat(BRANCH_PREFIX, story, NULL),
    };
    return found;
}

const Repo *found_open(Found *found, GError **error)
{
    if (found->there && !found->tree && !found->closed)
        found->tree = repo_open_other(found->repo, found->path, &found->closed);
    if (found->closed && error)
        *error = g_error_copy(found->closed);
    return found->tree;
}

gboolean found_has_branch(const Found *found)
{
    g_autofree char *reference = g_strconcat(HEADS, found->branch, NULL);
    git_oid id;
    return git_reference_name_to_id(&id, found->repo->git, reference) == 0;
}

void found_add_tree_work(Found *found, Work *work)
{
    const Repo *tree = found_open(found, NULL);
    if (tree)
        work_add_tree(work, tree);
    else if (found->there)
        work_add_unknown(work, found->path);
    if (!found->registered)
        return;
    work_add_modules(work, found->repo, found->admin);
    if (tree && worktree_belongs_to(found->path, found->admin))
        work_add_left(work, found->repo, tree, found->admin);
    else
        work_add_left_in(work, found->repo, found->admin);
}
