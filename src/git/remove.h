/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"

/** Removes the worktree of @story with its git folder, and its branch story/STORY if other branches
 * have all its commits. Refuses one that holds work (WORKTREE_DIRTY: what, how much, and a remedy)
 * or is locked, unless @force, which removes the branch too. If a worktree was removed by hand, its
 * remains are removed, and the branch stays if it has commits of its own. The caller checks whether
 * a run of this machine is using it; WORKTREE_BUSY, by force, too, where another machine does. Sets
 * WORKTREE_FAILED if there is none, or if the folder is not a git worktree: that is never touched.
 */
gboolean worktree_remove(const Repo *repo, const char *story, gboolean force, GError **error);
