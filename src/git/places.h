/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "git/repo.h"

/*
 * Where git keeps things, and small steps on them.
 */

#define WORKTREES_FOLDER ".storkit/worktrees"
#define BRANCH_PREFIX "story/"

/** The maximum size of git's config, or of a file of patterns or attributes. */
#define GIT_CONFIG_MAX (16u << 20)

/** Git's admin folder of the worktree called @story: `.git/worktrees/STORY`. Caller frees. */
char *worktree_admin_folder(const Repo *repo, const char *story);

/** Where git's admin folder @admin says that its worktree is; NULL where it says nothing. Caller
 *  frees. */
char *worktree_registered_path(const char *admin);

/** Whether the folder @path has a `.git` file that names the admin folder @admin. */
gboolean worktree_belongs_to(const char *path, const char *admin);

/** Whether `git worktree lock` holds the worktree of @admin. */
gboolean worktree_is_locked(const char *admin);

/** What HEAD of @repo names: "refs/heads/main"; NULL for a detached one. Caller frees. */
char *worktree_head(const Repo *repo);

/** Where the branch @reference ("refs/heads/main") is checked out: the main work tree, or a linked
 *  one that is still there. NULL: nowhere. Caller frees. */
char *worktree_checked_out_at(const Repo *repo, const char *reference);

/** The base that git's config keeps for @branch, or NULL. Caller frees. */
char *worktree_kept_base(const Repo *repo, const char *branch);

/** The same of a story's @own branch or, where that was renamed, which takes the base along, of the
 *  branch @current that its worktree has. */
char *worktree_kept_base_of(const Repo *repo, const char *own, const char *current);

/** Deletes @branch with its reflog and its section of git's config. Sets WORKTREE_FAILED. */
gboolean worktree_delete_branch(const Repo *repo, const char *branch, GError **error);

/** Removes the work tree at @path at once, then git's folder @admin, then the folder of all
 *  worktrees and ROOT/.storkit where nothing else is in them. Something already gone is not an
 *  error. Sets WORKTREE_FAILED. */
gboolean worktree_remove_files(const char *root, const char *path, const char *admin,
                               GError **error);

/** Removes the remains of worktrees beside the one at @path whose removal was cut off: they may be
 *  large. Only for the one writer of the repository: no other removal may be under way. */
void worktree_finish_removals(const char *path);

/** Whether @path is the folder @folder, which may end with a slash, or is below it. */
gboolean path_is_at_or_below(const char *path, const char *folder);
