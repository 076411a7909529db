/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"

/*
 * Repositories that libgit2 would get silently wrong.
 */

/** Whether the files of @commit, or the repository as such, need the git program: there are things
 *  libgit2 would get silently wrong (filters, encodings, submodules, sparse checkouts, partial
 *  clones). */
gboolean worktree_needs_git(const Repo *repo, const git_oid *commit);

/** Whether a sparse checkout is on, in this tree or all of them. */
gboolean repo_is_sparse(const Repo *repo);

/** Whether git's own filters make @id of the file @name (relative) in the work tree of @repo. */
gboolean worktree_has_id_by_git(const Repo *repo, const char *name, const git_oid *id);
