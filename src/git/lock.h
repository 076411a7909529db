/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Git locks a file by making FILE.lock beside it. A process that is killed leaves the lock behind,
 * and from then on every change of that file is refused, to us and to the user.
 */

/** Removes the lock of the file @path if it is left over from a service that was killed: made since
 *  @since (µs since the epoch), ours, open in no process, and still there a moment later. Blocks
 * for that moment; where there is no such lock it costs nothing. */
void git_lock_break_stale(const char *path, guint64 since);
