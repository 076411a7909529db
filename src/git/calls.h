/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "git/status.h"
#include "git/worktree.h"

/*
 * The service's calls to git. Each runs in a process of its own (git/helper.h), as the function of
 * the same name without `call_`: see there for its effect and errors. A call that hangs, crashes or
 * needs too much memory fails with WORKTREE_FAILED. They block: worker threads only.
 */

/** The arguments of a call. */
typedef struct {
    char *const *environment;  /* of git's program and its filters; NULL: the service's */
    GCancellable *cancellable; /* ends the call; NULL: nothing does */
} GitContext;

/** project_resolve(), and where @ret_config is not NULL, project_file_read(). */
char *git_call_resolve(const char *path, GBytes **ret_config, GError **error);

/** project_file_read() in the project @root: *@ret_config is NULL if there is no such file. */
gboolean git_call_read_config(const GitContext *context, const char *root, GBytes **ret_config,
                              GError **error);

/** worktree_plan() in the project @root. */
Worktree *git_call_plan(const GitContext *context, const char *root, const char *story,
                        const char *base_branch, const char *place, GError **error);

/** worktree_create(). */
gboolean git_call_create(const GitContext *context, const Worktree *worktree, gboolean needs_setup,
                         const char *const *copy, GError **error);

/** worktree_break_stale_locks() with @since, then worktree_undo(). */
gboolean git_call_undo(const GitContext *context, const Worktree *worktree, guint64 since,
                       gboolean all, GError **error);

/** worktree_status(); NULL without an error if there is none. */
WorktreeStatus *git_call_status(const GitContext *context, const char *root, const char *story,
                                GError **error);

/** worktree_list(). */
GPtrArray *git_call_list(const GitContext *context, const char *root, GError **error);

/** worktree_remove(). */
gboolean git_call_remove(const GitContext *context, const char *root, const char *story,
                         gboolean force, GError **error);
