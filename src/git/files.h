/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** That the files of git's which libgit2 reads whole, and waits for, of the repository or worktree
 *  at @path (or of the user) are regular files of a sane size. It sets @code (of STORKIT_ERROR),
 *  which names the file. A repository that is not there is not an error. */
gboolean git_files_check(const char *path, int code, GError **error);

/** The same of the loose references in @shared, the folder of git's that all trees share; one look
 *  at each folder. Sets WORKTREE_FAILED. */
gboolean git_files_check_references(const char *shared, GError **error);
