/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The git work tree around the folder @start, links resolved, in @ret_root: the first folder
 *  upwards with a `.git`. A story's worktree, wherever it lives, stands for ROOT, with
 *  its story in @ret_story. Both are NULL if there is none, and freed by the caller. Sets
 * CTL_ERROR_NOT_FOUND if @start itself is not a folder. */
gboolean project_find(const char *start, char **ret_root, char **ret_story, GError **error);
