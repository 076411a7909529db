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

const char *found_tree(const Found *found)
{
    return found->there ? found->path : NULL;
}

gboolean found_has_branch(const Found *found)
{
    g_autofree char *reference = g_strconcat(HEADS, found->branch, NULL);
    git_oid id;
    return git_reference_name_to_id(&id, found->repo->git, reference) == 0;
}

void found_add_tree_work(const Found *found, Work *work)
{
    if (found->there)
        work_add_tree(work, found->repo, found->path);
    if (!found->registered)
        return;
    work_add_modules(work, found->repo, found->admin);
    work_add_left(work, found->repo, found->admin);
}
