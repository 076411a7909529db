/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/library.h"
#include "git/worktree.h"

/** Makes the worktree of @worktree's branch, which exists, with its files. Sets WORKTREE_FAILED and
 *  may leave debris. */
gboolean worktree_checkout(git_repository *repository, const Worktree *worktree, GError **error);
