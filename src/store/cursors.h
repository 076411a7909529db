/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * How far the bus, the journal and the drain have come in one run's log: a mapped file of the run's
 * folder. A store to it survives a kill -9 at any instant and costs no system call; its blocks are
 * reserved beforehand, since a store to a full file system would be a SIGBUS. One that is cut short
 * from outside is such, too (sigbus.h): the places are kept in memory then, as long as the service
 * runs, and begin at 0.
 */

typedef enum {
    SINK_BUS,
    SINK_JOURNAL,
    SINK_DRAIN,
} Sink;

typedef struct SinkCursors SinkCursors;

/** Maps the file `cursors` of the folder, which is made where it is missing. */
SinkCursors *sink_cursors_open(int folder_fd, GError **error);

/** The same where it is there already: NULL and ENOENT in errno where it is not. */
SinkCursors *sink_cursors_open_existing(int folder_fd);
SinkCursors *sink_cursors_ref(SinkCursors *cursors);
void sink_cursors_unref(SinkCursors *cursors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SinkCursors, sink_cursors_unref)

/** The cursor of the last event that @sink is done with; 0: none. From any thread. */
guint64 sink_cursors_get(SinkCursors *cursors, Sink sink);

/** Says that @sink is done with the event that has @cursor. From any thread. */
void sink_cursors_set(SinkCursors *cursors, Sink sink, guint64 cursor);
