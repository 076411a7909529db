/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/library.h"

/*
 * The work that would be lost with a work tree, or with a branch.
 */

typedef struct {
    GPtrArray *files;   /* char *: paths with changes, or untracked and not ignored */
    GPtrArray *commits; /* char *: "1234567 subject" of those that nothing else reaches */
} Work;

Work *work_new(void);
void work_free(Work *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Work, work_free)

/** Adds the uncommitted files of the work tree at @path, changed ones that git was told to take for
 *  unchanged (assume-unchanged, skip-worktree) among them, and what is in repositories inside it
 *  (submodules and others, in ignored folders too): their files, and the commits that no
 *  remote-tracking branch and no tag of theirs has. What can't be looked into counts as work. */
void work_add_tree(Work *work, const char *path);

/** Adds the commits of the local branch @branch and, where @tree is its worktree and HEAD is
 *  detached, of HEAD, that no other local or remote-tracking branch has. @tree may be NULL. Sets
 *  WORKTREE_FAILED. */
gboolean work_add_branch(Work *work, git_repository *repository, const char *branch,
                         const char *tree, GError **error);

/** Adds the commits of the submodules' repositories in git's folder @admin of a worktree whose own
 *  folders are no longer there. */
void work_add_modules(Work *work, const char *admin);

/** Adds the commits that only git's folder @admin of a worktree knows of and that go with it: made
 *  on a detached HEAD, which is still there or was left by a checkout, or named by a reference of
 *  this worktree only, and reached by no reference of @repository; and that a rebase or merge is
 *  unfinished. Commits that were rewritten (amended, rebased, reset) are no work. */
void work_add_left(Work *work, git_repository *repository, const char *admin);

/** "2 changed files (a, b), 1 commit that no other branch has (1234567 subject)". Caller frees. */
char *work_describe(const Work *work);
