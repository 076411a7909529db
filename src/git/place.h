/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"

/*
 * The folder that a project's worktrees live in: ROOT/.storkit/worktrees, or the one that its
 * roster names. A worktree that is elsewhere has the project's root in git's folder of it, so that
 * it is found whatever the roster says by then.
 */

/** The folder that @wanted means: NULL, the usual one; else relative to the root or absolute, with
 *  the name of the root's folder for "{project}". Sets INVALID_CONFIG for one in git's own folder
 *  or the root itself, and WORKTREE_FAILED where something else is in its place. Caller frees. */
char *worktree_place(const Repo *repo, const char *wanted, GError **error);

/** Where the worktree of @story in the project of @repo is registered in git; NULL where there is
 *  none, or it is not one of ours. Caller frees. */
char *worktree_own_path(const Repo *repo, const char *story);

/** Notes in git's folder @admin of the worktree at @path whose it is. FALSE with errno. */
gboolean worktree_set_owner(const char *root, const char *path, const char *admin);

/** The folder of the worktree at @path, relative to @root; NULL where it is outside. Caller
 *  frees. */
char *worktree_folder_inside(const char *root, const char *path);
