/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/lost-work.h"

/** Adds the commits of the local branch @branch and, where @tree is its worktree and HEAD is
 *  detached, of HEAD, that no other local or remote-tracking branch has. @tree may be NULL. Sets
 *  WORKTREE_FAILED. */
gboolean work_add_branch(Work *work, const Repo *repo, const char *branch, const Repo *tree,
                         GError **error);

/** Adds the commits that only git's folder @admin of the worktree @tree knows of and that go with
 *  it: made on a detached HEAD, which is still there or was left by a checkout, or named by a
 *  reference of this worktree only, and reached by no reference of @repo; and that a rebase or
 * merge is unfinished. Commits that were rewritten (amended, rebased, reset) do not count. */
void work_add_left(Work *work, const Repo *repo, const Repo *tree, const char *admin);

/** The same of a worktree that is not there, or not open. */
void work_add_left_in(Work *work, const Repo *repo, const char *admin);

/** Adds the commits of HEAD, the branches and the stash of @repo, which is inside a tree,
 * that no remote-tracking branch and no tag of its own has; of another repository's worktree, only
 *  HEAD's. FALSE where its history can't be read. */
gboolean work_add_own_commits(Work *work, const Repo *repo);
