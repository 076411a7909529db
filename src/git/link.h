/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/** Makes @worktree a work tree of its repository, as `git worktree add --no-checkout` does: with
 *  its folder in git's, and no file but `.git`. The branch must exist and be checked out nowhere.
 *  Sets WORKTREE_FAILED and may leave debris. */
gboolean worktree_link(const Repo *repo, const Worktree *worktree, GError **error);
