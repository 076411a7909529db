/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/worktree.h"

char *worktree_admin_of(const Worktree *worktree)
{
    return g_path_get_dirname(worktree->record);
}

void worktree_free(Worktree *worktree)
{
    if (!worktree)
        return;
    g_free(worktree->root);
    g_free(worktree->story);
    g_free(worktree->path);
    g_free(worktree->branch);
    g_free(worktree->base_branch);
    g_free(worktree->base_commit);
    g_free(worktree->record);
    g_free(worktree);
}
