/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * CancelFd: a descriptor that is readable once a GCancellable is cancelled, for poll().
 * g_cancellable_get_fd() ends the process where no descriptor is left.
 */

typedef struct {
    GCancellable *cancellable;
    gulong handler;
    int fd; /* -1: there is nothing to cancel it by, or no descriptor left */
} CancelFd;

/** Watches @cancellable (NULL: nothing is ever cancelled), which outlives it. Undone by
 *  cancel_fd_close(). */
void cancel_fd_open(CancelFd *cancel, GCancellable *cancellable);
void cancel_fd_close(CancelFd *cancel);
