/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/storkit.h>

/*
 * storkitctl, for what it alone can do (git's part of a story, and all that is about another
 * machine), without waiting for it.
 */

/** `storkitctl -C PROJECT @arguments` (ends in NULL) of the project of @run, on its host. Caller:
 *  g_strfreev(). */
char **command_words(StorkitRun *run, const char *const *arguments);

/** Runs that. git takes no program out of the repository's configuration. A cancelled one is
 * ended. */
void command_run_async(StorkitRun *run, const char *const *arguments, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data);

/** What it printed. NULL with @error, which says what it said, where it failed. Caller:
 *  g_bytes_unref(). */
GBytes *command_run_finish(GAsyncResult *result, GError **error);
