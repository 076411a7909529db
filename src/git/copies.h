/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/** Copies the files that git ignores and that match one of @copy (patterns of glob(7), relative to
 * the project) from the project into the tree of @worktree. Tracked and existing files are left
 * out; a pattern that matches nothing is reported on stderr. Sets WORKTREE_FAILED. */
gboolean worktree_copy_ignored(const Repo *repo, const Worktree *worktree, const char *const *copy,
                               GError **error);
