/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "store/shim-protocol.h"

/*
 * When the bytes of a transcript came: a forward look-up in the shim's `times` file.
 */

typedef struct {
    guint64 next; /* index in the file of the pair after block[filled - 1] */
    struct ShimTime block[64];
    guint at, filled;    /* block[at] is the next pair not yet passed */
    guint64 usec;        /* of the last pair passed */
    guint64 complete_to; /* every pair for bytes below this is known to be read */
} LogTimes;

/** The time of the byte at @offset, in µs since the epoch; @fallback if the file does not tell.
 *  Offsets must not go down from call to call. @readable: the bytes that the transcript is known
 *  to have (their pairs were written before them). */
guint64 log_times_get(LogTimes *times, int fd, guint64 offset, guint64 readable, guint64 fallback);

/** Lets the next look-up begin near @offset, by bisection, instead of at the file's start. */
void log_times_seek(LogTimes *times, int fd, guint64 offset);
