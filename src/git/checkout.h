/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/** Makes the worktree of @worktree's branch, which exists, with its files. Sets WORKTREE_FAILED and
 *  may leave debris. */
gboolean worktree_checkout(const Repo *repo, const Worktree *worktree, GError **error);
