/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Flood: whether an agent prints faster than its output can be decoded and published. While it
 * does, its transcript comes first: decoding at full speed would take the CPU from the agent and
 * its shim, and be behind anyway.
 */

typedef struct {
    gboolean on;
    guint64 bytes; /* of the transcript, ... */
    gint64 since;  /* ... at this monotonic time in µs */
} Flood;

/** Looks at a transcript of @bytes, of which @backlog have not been read, at the monotonic time
 *  @now in µs. TRUE: flood->on has changed. */
gboolean flood_look(Flood *flood, guint64 bytes, guint64 backlog, gint64 now);
