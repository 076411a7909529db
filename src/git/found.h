/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/lost-work.h"
#include "git/repo.h"

/** A story's worktree as it is found. */
typedef struct {
    const Repo *repo;
    char *story;
    char *path, *admin, *branch;
    gboolean there;      /* the folder */
    gboolean registered; /* git's folder of it */
    Repo *tree;          /* see found_open() */
    GError *closed;      /* why there is none */
} Found;

void found_free(Found *found);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Found, found_free)

/** Finds the worktree of @story, or the place where it would be. */
Found *found_new(const Repo *repo, const char *story);

/** The tree, opened once; NULL where there is none. Sets WORKTREE_FAILED where there is one that
 *  can't be opened. */
const Repo *found_open(Found *found, GError **error);

/** Whether the story's own branch is there. */
gboolean found_has_branch(const Found *found);

/** Adds what would go with the tree and with git's folder of it, but for the branch's commits. */
void found_add_tree_work(Found *found, Work *work);
