/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "git/root.h"

/*
 * Git worktrees of stories, by libgit2. Everything here blocks on the disk: worker threads only,
 * and one writer per repository at a time (the caller's business; see pool).
 *
 * A story's worktree is ROOT/.storkit/worktrees/STORY, git's name of it is STORY, its branch
 * story/STORY, its base kept in git's config as branch.story/STORY.storkitBase (of branches made
 * here: one that a person made has none, and its base is what the caller says).
 */

/** What a Start will make, or found: decided by worktree_plan() before anything is touched, written
 *  to run.json, and enough to undo it. Every member is set unless it says otherwise. */
typedef struct {
    char *root; /* the project root, real */
    char *story;
    char *path;        /* ROOT/.storkit/worktrees/STORY */
    char *branch;      /* story/STORY; of an existing worktree, the one that is checked out */
    char *base_branch; /* short name: "main" */
    char *base_commit; /* hex id the new branch starts at; NULL where the branch is there already */
    gboolean new_worktree;
    gboolean new_branch;
    gboolean new_exclude; /* .git/info/exclude gets a line */
    gboolean prepared;    /* the tree's record says that its setup was done */
    char *record;         /* the file in git's admin folder of the worktree that is that record */
} Worktree;

void worktree_free(Worktree *worktree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Worktree, worktree_free)

/** To be called once, before any other thread uses libgit2. */
void worktree_library_init(void);

/** Plans the worktree of @story: what is there, what would be made. @base_branch NULL: HEAD's
 *  branch. Touches nothing. Sets WORKTREE_FAILED with what to do: detached or unborn HEAD, no such
 *  base branch, a base that differs from an existing worktree's, the branch checked out elsewhere,
 *  a branch `story` that makes `story/…` impossible, something else in the way at the path, work in
 *  git's folder of a tree that is gone. */
Worktree *worktree_plan(const char *root, const char *story, const char *base_branch,
                        GError **error);

/** Makes what @worktree plans: exclude line, branch, base in the config, worktree, checkout, and
 *  copies of the ignored files @copy (paths relative to the root, NULL: none; a missing or a
 * tracked one is left out). On failure (WORKTREE_FAILED; what is there no longer fits the plan,
 * too) all that it made is gone again. With @needs_setup FALSE it also writes the record; else
 * whoever runs the setup does. Of a worktree that exists, nothing else is touched.
 *
 *  Hooks are not run: libgit2 has none, and a post-checkout hook would run before the scope and its
 *  limits are there. What a new tree needs belongs in a component's `setup`. */
gboolean worktree_create(const Worktree *worktree, gboolean needs_setup, const char *const *copy,
                         GError **error);

/** Removes locks of git's files that worktree_create() or worktree_undo() has left where the
 * service was killed in it, not before @since (µs since the epoch): see git/lock.h. */
void worktree_break_stale_locks(const Worktree *worktree, guint64 since);

/** Removes what worktree_create() made by this plan, and only that: the worktree, git's admin
 *  folder, the branch (new ones only, and only where it still is at base_commit), the exclude line.
 *  What is gone already is no error. Sets WORKTREE_DIRTY and leaves the worktree where commits were
 *  made in it or, unless @all (of a tree whose setup has run, files can't be told apart), where
 *  files have changed or were added that git does not ignore; WORKTREE_FAILED where something can't
 *  be removed. */
gboolean worktree_undo(const Worktree *worktree, gboolean all, GError **error);
