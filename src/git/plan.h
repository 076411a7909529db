/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/*
 * Git worktrees of stories, by libgit2. Everything here blocks on the disk: worker threads only,
 * and one writer per repository at a time (the caller's responsibility; see pool).
 *
 * A story's worktree is ROOT/.storkit/worktrees/STORY, or where the roster says, its name in git is
 * STORY, its branch story/STORY, its base stored in git's config as branch.story/STORY.storkitBase
 * (for branches made here: one made by a person has none, and the caller names its base).
 */

/** Plans the worktree of @story: the existing parts and those to create, in @place (of
 * worktree_place()). @base_branch NULL: HEAD's branch. Changes nothing. Sets WORKTREE_FAILED with a
 * remedy: detached or unborn HEAD, no such base branch, a base that differs from an existing
 * worktree's, the branch checked out elsewhere, a branch `story` that makes `story/…` impossible,
 * something else at the path, work in the git folder of a missing tree. */
Worktree *worktree_plan(const Repo *repo, const char *story, const char *base_branch,
                        const char *place, GError **error);
