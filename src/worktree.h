/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Git worktrees of stories, by libgit2. Everything here blocks on the disk: worker threads only,
 * and one writer per repository at a time (the caller's business; see pool).
 *
 * A story's worktree is ROOT/.storkit/worktrees/STORY, git's name of it is STORY, its branch
 * story/STORY, its base kept in git's config as branch.story/STORY.storkitBase.
 */

/** What a Start will make, or found: decided by worktree_plan() before anything is touched, written
 *  to run.json, and enough to undo it. Every member is set unless it says otherwise. */
typedef struct {
    char *root;        /* the project root, real */
    char *story;
    char *path;        /* ROOT/.storkit/worktrees/STORY */
    char *branch;      /* story/STORY */
    char *base_branch; /* short name: "main" */
    char *base_commit; /* hex id the new branch starts at; NULL where the branch is there already */
    gboolean new_worktree;
    gboolean new_branch;
    gboolean prepared; /* the tree's record says that its setup was done */
    char *record;      /* the file in git's admin folder of the worktree that is that record */
} Worktree;

void worktree_free(Worktree *worktree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Worktree, worktree_free)

/** To be called once, before any other thread uses libgit2. */
void worktree_library_init(void);

/** The project root that @path means: links resolved, a folder inside the work tree stands for its
 *  top. Sets INVALID_ARGUMENT (relative, no UTF-8), NO_SUCH_PROJECT (no such folder),
 *  NOT_A_GIT_REPOSITORY (none, or a bare one, a linked worktree: named, with the main one's path).
 *  Caller frees. */
char *project_resolve(const char *path, GError **error);

/** Plans the worktree of @story: what is there, what would be made. @base_branch NULL: HEAD's
 *  branch. Touches nothing. Sets WORKTREE_FAILED with what to do: detached or unborn HEAD, no such
 *  base branch, a base that differs from an existing worktree's, the branch checked out elsewhere,
 *  a branch `story` that makes `story/…` impossible, something else in the way at the path. */
Worktree *worktree_plan(const char *root, const char *story, const char *base_branch,
                        GError **error);

/** Makes what @worktree plans: exclude line, branch, base in the config, worktree, checkout. On
 *  failure (WORKTREE_FAILED) all that it made is gone again. With @needs_setup FALSE it also writes
 *  the record; else whoever runs the setup does. Nothing to do for a worktree that exists. */
gboolean worktree_create(const Worktree *worktree, gboolean needs_setup, GError **error);

/** Removes what worktree_create() made by this plan, and only that: the worktree, git's admin
 *  folder, and the branch (new ones only, and only where it still is at base_commit). What is gone
 *  already is no error. */
gboolean worktree_undo(const Worktree *worktree, GError **error);
