/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/checkout.h"

#include "base/test-hooks.h"
#include "git/fidelity.h"
#include "git/places.h"
#include "git/program.h"

static gboolean checkout_by_git(const Repo *repo, const Worktree *worktree, GError **error)
{
    const char *arguments[] = {"worktree", "add", worktree->path, worktree->branch, NULL};
    /* Git itself then brings along what belongs to a tree of its kind (the sparse checkout's
     * patterns, config.worktree), and leaves submodules empty, as it always does. */
    return git_program_run(repo, worktree->root, arguments, NULL, error);
}

static int checkout_files(git_repository *tree)
{
    char *attributes[] = {(char *)".gitattributes", (char *)"*/.gitattributes"};
    git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
    options.checkout_strategy = GIT_CHECKOUT_FORCE;
    /* libgit2 takes the attributes from the files on disk: where they come after the files that
     * they speak of, those would get the wrong line ends. */
    options.paths = (git_strarray){attributes, G_N_ELEMENTS(attributes)};
    if (git_checkout_head(tree, &options) < 0)
        return -1;
    options.paths = (git_strarray){NULL, 0};
    return git_checkout_head(tree, &options);
}

static gboolean checkout_by_library(const Repo *repo, const Worktree *worktree, GError **error)
{
    git_worktree_add_options options = GIT_WORKTREE_ADD_OPTIONS_INIT;
    g_autoptr(git_reference) branch = NULL;
    g_autoptr(git_worktree) made = NULL;
    g_autoptr(git_repository) tree = NULL;
    options.checkout_options.checkout_strategy = GIT_CHECKOUT_NONE;
    if (git_branch_lookup(&branch, repo->git, worktree->branch, GIT_BRANCH_LOCAL) == 0) {
        options.ref = branch;
        int r = git_worktree_add(&made, repo->git, worktree->story, worktree->path, &options);
        fault_point("admin");
        if (r == 0 && git_repository_open_from_worktree(&tree, made) == 0 &&
            checkout_files(tree) == 0)
            return TRUE;
    }
    git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED, "cannot create the worktree %s",
                      worktree->path);
    return FALSE;
}

gboolean worktree_checkout(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autofree char *reference = g_strconcat(HEADS, worktree->branch, NULL);
    git_oid commit;
    if (git_reference_name_to_id(&commit, repo->git, reference) < 0) {
        git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED, "cannot read the branch %s",
                          worktree->branch);
        return FALSE;
    }
    if (worktree_needs_git(repo, &commit))
        return checkout_by_git(repo, worktree, error);
    return checkout_by_library(repo, worktree, error);
}
