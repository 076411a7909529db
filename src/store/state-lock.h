/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Takes the state folder for this process, as the one of its machine: two services on the same
 * runs would start an agent twice in one worktree. @bus: where this one serves, for the message of
 * the next. Sets @ret_fd to a descriptor that holds it (-1, with a warning, if there is no folder
 * to lock). If another process has it, STORKIT_ERROR_NOT_RUNNING says which, and how to reach it.
 * Waits up to 2 s for one that is about to end. */
gboolean state_lock_take(const char *bus, int *ret_fd, GError **error);
