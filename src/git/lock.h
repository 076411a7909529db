/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Git locks a file by creating FILE.lock beside it. A killed process leaves the lock behind, and
 * from then on nobody can change that file, neither we nor the user.
 */

/** Removes the lock of the file @path if it is left over from a service that was killed: made since
 * @since (µs since the epoch), owned by us, open in no process, and still there a moment later.
 * Blocks for that moment, but only if there is such a lock. */
void git_lock_break_stale(const char *path, guint64 since);
