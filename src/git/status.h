/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"

/*
 * The worktrees that a project has. It only reads, and may be called beside a writer.
 */

typedef struct {
    char *story;
    char *path;
    char *branch; /* the branch checked out; story/STORY if HEAD is detached or the tree is gone */
    char *base_branch; /* "" where git's config keeps none */
    gboolean dirty;    /* what worktree_remove() refuses to lose, besides the commits of `ahead`:
                          uncommitted files, work in a repository inside, left commits */
    guint ahead;       /* commits that no other local or remote-tracking branch has */
    char *host;        /* the other machine that works in it, or NULL */
    gboolean missing;  /* its folder was removed by hand; worktree_remove() clears up */
} WorktreeStatus;

void worktree_status_free(WorktreeStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WorktreeStatus, worktree_status_free)

/** The worktree of @story in the project @repo, or NULL if git has none. An unreadable one counts
 * as dirty, and so does one that is being created or removed. Caller frees.
 */
WorktreeStatus *worktree_status(const Repo *repo, const char *story);

/** The same of all stories, by story: WorktreeStatus *, owned by the array. */
GPtrArray *worktree_list(const Repo *repo);
