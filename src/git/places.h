/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "git/library.h"
#include "git/plan.h"

/*
 * What the rooms of the worktree module share: where git keeps things, and small steps on them.
 */

#define WORKTREES_FOLDER ".storkit/worktrees"
#define BRANCH_PREFIX "story/"
#define HEADS "refs/heads/"
#define REMOTES "refs/remotes/"

/** Sets WORKTREE_FAILED with a text. */
#define fail(error, ...)                                                                           \
    g_set_error((error), STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED, __VA_ARGS__)

/** Git's admin folder of the worktree called @story: `.git/worktrees/STORY`. Caller frees. */
char *worktree_admin_folder(git_repository *repository, const char *story);

/** Where git's admin folder @admin says that its worktree is; NULL where it says nothing. Caller
 *  frees. */
char *worktree_registered_path(const char *admin);

/** Whether the folder @path has a `.git` file that names the admin folder @admin. */
gboolean worktree_belongs_to(const char *path, const char *admin);

/** Whether `git worktree lock` holds the worktree of @admin. */
gboolean worktree_is_locked(const char *admin);

/** What HEAD of @repository names: "refs/heads/main"; NULL for a detached one. Caller frees. */
char *worktree_head(git_repository *repository);

/** Where the branch @reference ("refs/heads/main") is checked out: the main work tree, or a linked
 *  one that is still there. NULL: nowhere. Caller frees. */
char *worktree_checked_out_at(git_repository *repository, const char *reference);

/** The base that git's config keeps for @branch, or NULL. Caller frees. */
char *worktree_kept_base(git_repository *repository, const char *branch);

/** Deletes @branch with its reflog and its section of git's config. Sets WORKTREE_FAILED. */
gboolean worktree_delete_branch(git_repository *repository, const char *branch, GError **error);

/** Removes the work tree at @path at one stroke, then git's folder @admin, then ROOT/.storkit where
 *  nothing else is in it. What is gone already is no error. Sets WORKTREE_FAILED. */
gboolean worktree_remove_files(const char *root, const char *path, const char *admin,
                               GError **error);

/** Removes what is left of worktrees of @root whose removal was cut off: it may be large. For the
 *  one writer of the repository: no other removal is under way. */
void worktree_finish_removals(const char *root);

/* exclude.c: the line in .git/info/exclude that hides the worktrees from git status. */

/** Whether git ignores the worktrees of this repository already. */
gboolean worktree_is_excluded(git_repository *repository);
/** Adds the line; sets WORKTREE_FAILED. */
gboolean worktree_exclude(git_repository *repository, GError **error);
/** Takes the line out again, and the file where nothing else is in it. Sets WORKTREE_FAILED. */
gboolean worktree_unexclude(git_repository *repository, GError **error);

/* checkout.c */

/** Whether the files of @commit, or the repository as such, need the git program: there are things
 *  libgit2 would get silently wrong (filters, encodings, submodules, sparse checkouts, partial
 *  clones). */
gboolean worktree_needs_git(git_repository *repository, const git_oid *commit);

/** Whether git's own filters make @id of the file @name (relative) in the tree @folder. */
gboolean worktree_has_id_by_git(const char *folder, const char *name, const git_oid *id);

/** Makes the worktree of @worktree's branch, which exists, with its files. Sets WORKTREE_FAILED and
 *  may leave debris. */
gboolean worktree_checkout(git_repository *repository, const Worktree *worktree, GError **error);

/* own-files.c */

/** Adds to @files (char *, relative) what is in the tree of @worktree, opened as @tree, and was not
 *  put there by worktree_create(), which may have been cut off anywhere. Files that HEAD or the
 *  project root has as they are count as put there by it: nothing is lost with them. FALSE where
 *  that can't be found out. */
gboolean worktree_add_others_files(const Worktree *worktree, git_repository *tree,
                                   GPtrArray *files);
