/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The worktree that a Start will create, or has found: decided by worktree_plan() before any
 * change, written to run.json, and sufficient to undo it. Every member is set unless stated
 * otherwise. */
typedef struct {
    char *root; /* the project root, real */
    char *story;
    char *path;        /* ROOT/.storkit/worktrees/STORY, or where the roster says */
    char *branch;      /* story/STORY; of an existing worktree, the one that is checked out */
    char *base_branch; /* short name: "main" */
    char *base_commit; /* hex id the new branch starts at; NULL where the branch is there already */
    gboolean new_worktree;
    gboolean new_branch;
    gboolean new_exclude; /* .git/info/exclude gets a line */
    gboolean prepared;    /* the tree's record says that its setup was done */
    char *record;         /* the file in git's admin folder of the worktree that is that record */
} Worktree;

/** Git's folder of it, `.git/worktrees/STORY`. Caller frees. */
char *worktree_admin_of(const Worktree *worktree);

void worktree_free(Worktree *worktree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Worktree, worktree_free)
