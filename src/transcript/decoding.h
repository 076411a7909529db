/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "store/facts.h"
#include "transcript/event.h"
#include "transcript/log.h"
#include "transcript/text-join.h"
#include "transcript/times.h"

/*
 * From one place of a run's log to the next, as events. The result depends on the log and the place
 * alone.
 *
 * Cursors. `pending` has 1. Bytes count from 16: the i-th event (from 1) of a line that starts at
 * offset o has 16 + o + i, the last one of it 16 + the offset of the line's end. `running` takes
 * place 1 where the agent's output begins, so the line there counts from 2. The terminal event has
 * the end's cursor + 2.
 */

/** The cursor of a run's first event, `pending`. */
#define LOG_CURSOR_PENDING 1u

/** The first cursor that is a byte's. */
#define LOG_CURSOR_BASE 16u

/** The cursor of the terminal event of a run whose transcript has @bytes. */
guint64 log_end_cursor(guint64 bytes);

/** A line longer than this is one `output` with `truncated` and `length`. */
#define LOG_MAX_LINE (16u * 1024 * 1024)

/** How much of a line that is longer than a read is searched for its end, or its start, at a time.
 */
#define LOG_MAX_SCAN (4u * 1024 * 1024)

/** A moving place in a log, with the facts learnt on the way there. */
typedef struct {
    RunLog *log;
    LogPlace place;
    guint64 scanned; /* the line at place.offset has no newline before this */
    LogTimes times;
    TextJoin join; /* for kinds that print in pieces */
} LogPosition;

/** Frees what belongs to @position, not the log. */
void log_position_clear(LogPosition *position);

/** Adds to @batch the next events, from at most 64 KiB of the transcript or one longer line, and
 * moves @position after them. Adds the lines' facts about the run to @facts, unless that is NULL.
 * FALSE: there is nothing more now. The place is at a line's start. */
gboolean log_decode_next(LogPosition *position, const RunLogState *state, EventBatch *batch,
                         RunFacts *facts);

/** The same for the one line at the place, of which no more is read than shows that it is longer
 *  than LOG_MAX_LINE. FALSE: it has no end yet. */
gboolean log_decode_line(LogPosition *position, const RunLogState *state, EventBatch *batch);

/** Moves @position from @offset back to the start of the line around it (or of the one before,
 * where that ends there), or by at most @max bytes. TRUE: it is a line's start. */
gboolean log_go_back(LogPosition *position, const RunLogState *state, guint64 offset, guint64 max);

/** Whether a line ends just before @offset. */
gboolean log_is_line_end(const RunLogState *state, guint64 offset);
