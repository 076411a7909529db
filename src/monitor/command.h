/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * storkitctl, for what it alone can do (git's part of a story), without waiting for it.
 */

/** Runs `storkitctl -C @project @arguments` (ends in NULL). git takes no program out of the
 * repository's configuration. A cancelled one is ended. */
void command_run_async(const char *project, const char *const *arguments, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data);

/** What it printed. NULL with @error, which says what it said, where it failed. Caller:
 *  g_bytes_unref(). */
GBytes *command_run_finish(GAsyncResult *result, GError **error);
