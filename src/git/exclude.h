/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"

/*
 * The line in .git/info/exclude that hides the worktrees from git status.
 */

/** Whether git ignores the folder that the worktree at @path is in already, or that is outside. */
gboolean worktree_is_excluded(const Repo *repo, const char *path);
/** Adds the line; sets WORKTREE_FAILED. */
gboolean worktree_exclude(const Repo *repo, const char *path, GError **error);
/** Takes the line out again, and the file where nothing else is in it. Sets WORKTREE_FAILED. */
gboolean worktree_unexclude(const Repo *repo, const char *path, GError **error);
