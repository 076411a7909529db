/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/** Adds to @files (char *, relative) what is in the tree of @worktree, opened as @tree, and was not
 *  put there by worktree_create(), which may have been cut off anywhere. Files that HEAD or the
 *  project root has as they are count as put there by it: nothing is lost with them. FALSE where
 *  that can't be found out. */
gboolean worktree_add_others_files(const Worktree *worktree, const Repo *tree, GPtrArray *files);
