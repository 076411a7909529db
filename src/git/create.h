/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/** Creates what @worktree plans: exclude line, branch, base in the config, worktree, checkout, and
 *  copies of the ignored files @copy (paths relative to the root, NULL: none; a missing or a
 * tracked one is left out). On failure (WORKTREE_FAILED; also if the plan no longer fits)
 * everything it made is removed again. With @needs_setup FALSE it also writes the record; otherwise
 * the setup does. An existing worktree is not touched otherwise.
 *
 *  Hooks are not run: libgit2 has none, and a post-checkout hook would run before the scope and its
 * limits exist. Preparing a new tree belongs in a component's `setup`. */
gboolean worktree_create(const Repo *repo, const Worktree *worktree, gboolean needs_setup,
                         const char *const *copy, GError **error);
