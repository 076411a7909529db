/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/library.h"

/*
 * The line in .git/info/exclude that hides the worktrees from git status.
 */

/** Whether git ignores the worktrees of this repository already. */
gboolean worktree_is_excluded(git_repository *repository);
/** Adds the line; sets WORKTREE_FAILED. */
gboolean worktree_exclude(git_repository *repository, GError **error);
/** Takes the line out again, and the file where nothing else is in it. Sets WORKTREE_FAILED. */
gboolean worktree_unexclude(git_repository *repository, GError **error);
