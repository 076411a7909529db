/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/** Copies what is ignored by git and matches one of @copy (patterns of glob(7), relative to the
 *  project) from the project into the tree of @worktree. Tracked files and those that are there
 *  already are left out; a pattern that matches nothing is told on stderr. Sets WORKTREE_FAILED. */
gboolean worktree_copy_ignored(const Repo *repo, const Worktree *worktree, const char *const *copy,
                               GError **error);
