/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/flood.h"

/* Less is caught up with at once, at whatever speed it came. */
#define FAR_BEHIND (1024 * 1024)

/* Decoding and publishing reach two or three times that, so an agent at less is kept up with. */
#define BYTES_PER_SECOND (10 * 1000 * 1000)

/* The shortest time over which a pace is measured. */
#define WINDOW_USEC (10 * 1000)

static gboolean set(Flood *flood, gboolean on)
{
    gboolean changed = flood->on != on;
    flood->on = on;
    return changed;
}

gboolean flood_look(Flood *flood, guint64 bytes, guint64 backlog, gint64 now)
{
    gint64 elapsed = now - flood->since;
    if (backlog < FAR_BEHIND)
        return set(flood, FALSE);
    if (elapsed < WINDOW_USEC)
        return FALSE;
    double pace = (double)(bytes - flood->bytes) * G_USEC_PER_SEC / (double)elapsed;
    flood->bytes = bytes;
    flood->since = now;
    return set(flood, pace > BYTES_PER_SECOND);
}
