/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/worktree.h"

/** Adds to @files (char *, relative) the files in the tree of @worktree, opened as @tree, that
 * worktree_create(), which may have been cut off anywhere, did not put there. Files that HEAD or
 * the project root has with the same content do not count: nothing is lost with them. FALSE if that
 * cannot be determined. */
gboolean worktree_add_others_files(const Worktree *worktree, const Repo *tree, GPtrArray *files);
