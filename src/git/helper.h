/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The processes that do git's work for the service (storkit-git): a repository that makes libgit2
 * hang, crash or swell takes one of them with it, and nothing else. Each is in a cell of its own
 * and serves one call at a time; one that is idle waits for the next call for half a minute.
 */

/** Has a helper do @method with @arguments (consumed if floating) and returns its answer. Blocks:
 *  worker threads only. After @limit_msec, or five seconds after @cancellable (NULL: none), the
 *  helper is killed with all that it has started. Sets WORKTREE_FAILED for that, for a helper that
 *  died or could not be started, else the error that it answered with. */
GVariant *git_helper_call(const char *method, GVariant *arguments, guint limit_msec,
                          GCancellable *cancellable, GError **error);
