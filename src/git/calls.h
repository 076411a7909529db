/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "git/status.h"
#include "git/worktree.h"

/*
 * What the service asks of git. Each of these is done in a process of its own (git/helper.h), by
 * the function of the same name without `call_`: see there what it does and the errors that it
 * sets. What hangs, crashes or swells is WORKTREE_FAILED. They block: worker threads only.
 */

/** What a call gets. */
typedef struct {
    char *const *environment;  /* of git's program and its filters; NULL: the service's */
    GCancellable *cancellable; /* ends the call; NULL: nothing does */
} GitContext;

/** project_resolve(), and where @ret_config is not NULL, project_file_read(). */
char *git_call_resolve(const char *path, GBytes **ret_config, GError **error);

/** project_file_read() in the project @root: *@ret_config is NULL where there is no such file. */
gboolean git_call_read_config(const GitContext *context, const char *root, GBytes **ret_config,
                              GError **error);

/** worktree_plan() in the project @root. */
Worktree *git_call_plan(const GitContext *context, const char *root, const char *story,
                        const char *base_branch, GError **error);

/** worktree_create(). */
gboolean git_call_create(const GitContext *context, const Worktree *worktree, gboolean needs_setup,
                         const char *const *copy, GError **error);

/** worktree_break_stale_locks() with @since, then worktree_undo(). */
gboolean git_call_undo(const GitContext *context, const Worktree *worktree, guint64 since,
                       gboolean all, GError **error);

/** worktree_status(); NULL without an error: there is none. */
WorktreeStatus *git_call_status(const GitContext *context, const char *root, const char *story,
                                GError **error);

/** worktree_list(). */
GPtrArray *git_call_list(const GitContext *context, const char *root, GError **error);

/** worktree_remove(). */
gboolean git_call_remove(const GitContext *context, const char *root, const char *story,
                         gboolean force, GError **error);
