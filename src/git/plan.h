/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/*
 * Git worktrees of stories, by libgit2. Everything here blocks on the disk: worker threads only,
 * and one writer per repository at a time (the caller's business; see pool).
 *
 * A story's worktree is ROOT/.storkit/worktrees/STORY, git's name of it is STORY, its branch
 * story/STORY, its base kept in git's config as branch.story/STORY.storkitBase (of branches made
 * here: one that a person made has none, and its base is what the caller says).
 */

/** Plans the worktree of @story: what is there, what would be made. @base_branch NULL: HEAD's
 *  branch. Touches nothing. Sets WORKTREE_FAILED with what to do: detached or unborn HEAD, no such
 *  base branch, a base that differs from an existing worktree's, the branch checked out elsewhere,
 *  a branch `story` that makes `story/…` impossible, something else in the way at the path, work in
 *  git's folder of a tree that is gone. */
Worktree *worktree_plan(const Repo *repo, const char *story, const char *base_branch,
                        GError **error);
