/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/library.h"

/*
 * What only git does as git does.
 */

/** Whether the files of @commit, or the repository as such, need the git program: there are things
 *  libgit2 would get silently wrong (filters, encodings, submodules, sparse checkouts, partial
 *  clones). */
gboolean worktree_needs_git(git_repository *repository, const git_oid *commit);

/** Whether git's own filters make @id of the file @name (relative) in the tree @folder. */
gboolean worktree_has_id_by_git(const char *folder, const char *name, const git_oid *id);
