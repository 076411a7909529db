/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/register.h"

/*
 * The journal sink: every event as one journal entry, from a thread of its own (sd_journal_send()
 * blocks when journald does) and at a pace below journald's rate limit, which counts the whole
 * user@.service together. It continues from its cursor; if that is more than ten minutes behind,
 * one entry says what it skips, and it continues at the head.
 */

typedef struct JournalSink JournalSink;

/** Writes the events of @runs, which must outlive it. */
JournalSink *journal_sink_new(Runs *runs);

/** Ends the thread, whatever it still had to write: its cursors know. Does not wait for a journald
 *  that does not read. */
void journal_sink_free(JournalSink *sink);

/** Writes the events of @log, whose run is @record's, from the sink's cursor in @cursors (NULL:
 * none is kept) on. */
void journal_sink_add(JournalSink *sink, RunLog *log, SinkCursors *cursors,
                      const RunRecord *record);

/** Whether it has still to write what there is by now. */
gboolean journal_sink_is_busy(JournalSink *sink);
