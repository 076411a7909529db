/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/** Removes locks of git's files that worktree_create() or worktree_undo() has left where the
 * service was killed in it, not before @since (µs since the epoch): see git/lock.h. */
void worktree_break_stale_locks(const Repo *repo, guint64 since);

/** Removes what worktree_create() made by this plan, and only that: the worktree, git's admin
 * folder, the branch (new ones only, and only if it still is at base_commit), the exclude line.
 * Something already gone is not an error. Sets WORKTREE_DIRTY and leaves the worktree if it has new
 * commits or, unless @all (once setup has run, files cannot be told apart), changed or added files
 * that git does not ignore; WORKTREE_FAILED if something cannot be removed. */
gboolean worktree_undo(const Repo *repo, const Worktree *worktree, gboolean all, GError **error);
