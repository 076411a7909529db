/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "transcript/decoding.h"

/*
 * LogReader: a cursor into a run's log, and the events after it. Every sink has its own. One that
 * keeps up costs nothing: it uses the batch that another reader has decoded (log_reader_take()).
 */

typedef struct LogReader LogReader;

/** A reader that continues after @cursor (0: from the first event). Sets
 * STORKIT_ERROR_INVALID_ARGUMENT for a cursor that belongs to no event, or to none yet. Caller
 * frees; it keeps a reference to @log. */
LogReader *log_reader_new(RunLog *log, guint64 cursor, GError **error);

/** The same for a place from log_reader_cursor(): also that of a reader which began at the head,
 * after a line without an event or inside a long one. NULL if the log is shorter than that. */
LogReader *log_reader_new_again(RunLog *log, guint64 cursor);

/** A reader that starts with the next output: after the last line that is complete now. Its cursor
 * is that line's end, which is an event's unless that line had none. If the line in progress is so
 * long that its start is further away than one turn looks back, its cursor is inside that line, and
 * the first batches are empty. */
LogReader *log_reader_new_at_head(RunLog *log);

void log_reader_free(LogReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogReader, log_reader_free)

/** The next events, decoded from at most 64 KiB of transcript (or one longer line); NULL if there
 * is nothing more now. The batch is empty if that stretch has no event: there may be more after it,
 * so ask again, after a turn of the main loop. Caller unrefs. Adds the lines' facts about the run
 * to @facts, unless that is NULL. */
EventBatch *log_reader_decode(LogReader *reader, RunFacts *facts);

/** Takes a batch that another reader of the same log has decoded, and moves after it. FALSE,
 * without a change, if the batch does not begin at the place of @reader. */
gboolean log_reader_take(LogReader *reader, const EventBatch *batch);

/** The cursor of the last event that was read (0: none yet). */
guint64 log_reader_cursor(const LogReader *reader);

/** Whether the terminal event has been read: nothing will follow. */
gboolean log_reader_is_at_end(const LogReader *reader);

/** How many bytes of the transcript are still before this reader. */
guint64 log_reader_backlog(const LogReader *reader);
