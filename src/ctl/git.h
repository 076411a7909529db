/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

/*
 * git's own program, for diff, merge and completion. The service needs no part in these.
 */

/** Unsets the variables (GIT_DIR and its kin) that would send git to another repository than the
 *  folder it is called in. */
void git_forget_environment(void);

/** "git -C @folder", to be completed; its elements are not owned. Caller: g_ptr_array_unref(). */
GPtrArray *git_argv(const char *folder);

/** Runs @argv, ended by NULL, and returns its output, NULs included. Sets @error to git's own words
 *  where it fails. Caller: g_string_free(). */
GString *git_read(GPtrArray *argv, GError **error);

/** Runs git in @folder with the arguments after @error, ended by NULL. Returns its output without
 *  trailing newlines. Caller frees. */
char *git_output(const char *folder, GError **error, ...) G_GNUC_NULL_TERMINATED;

/** Whether git succeeds with the arguments after @folder, ended by NULL. */
gboolean git_succeeds(const char *folder, ...) G_GNUC_NULL_TERMINATED;

/** Runs @argv (ended by NULL) on this terminal, its pager included, and waits for it. Returns its
 *  exit status; -1 with @error set where it can't be run. */
int git_run(GPtrArray *argv, GError **error);

/** The branch that a worktree, as ListWorktrees describes it, started from. Sets
 *  CTL_ERROR_NOT_FOUND where none is recorded. Caller frees. */
char *git_base_of(JsonObject *worktree, GError **error);

/** The full name of branch @base, a local one or a remote's. Sets CTL_ERROR_NOT_FOUND where it is
 *  gone. Caller frees. */
char *git_base_ref(const char *folder, const char *base, GError **error);

/** The work tree that has the branch @ref checked out, in @list, what `git worktree list
 *  --porcelain` printed; NULL: none. Caller frees. */
char *git_work_tree_of(const char *list, const char *ref);
