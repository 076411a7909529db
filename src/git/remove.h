/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"

/** Removes the worktree of @story with git's folder of it, and its branch story/STORY where other
 *  branches have all its commits. Refuses one that holds work (WORKTREE_DIRTY: what, how much, and
 *  what to do) or is locked, unless @force, which takes the branch too. Of a worktree that was
 *  removed by hand, what it left behind goes, and the branch stays if it has commits of its own.
 *  Whether a run is using it is the caller's business. Sets WORKTREE_FAILED where there is none, or
 *  where the folder is not git's worktree: such a one is never touched. */
gboolean worktree_remove(const Repo *repo, const char *story, gboolean force, GError **error);
