/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/reader.h"

#include "base/error.h"

struct LogReader {
    LogPosition at; /* two readers of one log at the same place will read the same */
};

/* Goes back in the line that the reader was put into, as far as one turn may. */
static void search_start(LogReader *reader, const RunLogState *state)
{
    LogPlace *place = &reader->at.place;
    place->inside = !log_go_back(&reader->at, state, place->offset, LOG_MAX_SCAN);
}

EventBatch *log_reader_decode(LogReader *reader, RunFacts *facts)
{
    RunLogState state;
    run_log_get_state(reader->at.log, &state);
    g_autoptr(EventBatch) batch = event_batch_new(run_log_identity(reader->at.log));
    gboolean more = TRUE;
    batch->before = reader->at.place;
    if (reader->at.place.inside)
        search_start(reader, &state);
    else
        more = log_decode_next(&reader->at, &state, batch, facts);
    batch->after = reader->at.place;
    return more ? g_steal_pointer(&batch) : NULL;
}

static gboolean same_place(const LogPlace *a, const LogPlace *b)
{
    return a->offset == b->offset && a->cursor == b->cursor && a->given == b->given &&
           a->inside == b->inside && a->pending == b->pending && a->running == b->running &&
           a->end == b->end;
}

gboolean log_reader_take(LogReader *reader, const EventBatch *batch)
{
    if (batch->identity != run_log_identity(reader->at.log) ||
        !same_place(&batch->before, &reader->at.place) ||
        same_place(&batch->before, &batch->after)) /* a search that each makes for itself */
        return FALSE;
    reader->at.place = batch->after;
    return TRUE;
}

guint64 log_reader_cursor(const LogReader *reader)
{
    return reader->at.place.cursor;
}

gboolean log_reader_is_at_end(const LogReader *reader)
{
    return reader->at.place.end;
}

guint64 log_reader_backlog(const LogReader *reader)
{
    RunLogState state;
    run_log_get_state(reader->at.log, &state);
    return state.readable - MIN(state.readable, reader->at.place.offset);
}

static LogReader *reader_new(RunLog *log)
{
    LogReader *reader = g_new0(LogReader, 1);
    reader->at.log = run_log_ref(log);
    return reader;
}

void log_reader_free(LogReader *reader)
{
    if (!reader)
        return;
    run_log_unref(reader->at.log);
    log_position_clear(&reader->at);
    g_free(reader);
}

/* --- Finding a cursor's place --- */

/* Reads the line at the place and goes back to just after its event @cursor. */
static gboolean pass_in_line(LogReader *reader, const RunLogState *state, guint64 cursor)
{
    g_autoptr(EventBatch) batch = event_batch_new(run_log_identity(reader->at.log));
    guint64 line = reader->at.place.offset;
    if (!log_decode_line(&reader->at, state, batch))
        return FALSE;

    for (guint i = 0; i < batch->events->len; i++) {
        if (event_batch_get(batch, i)->cursor != cursor)
            continue;
        if (i + 1 < batch->events->len) {
            reader->at.place.offset = line;
            reader->at.place.given = i + 1;
        }
        reader->at.place.cursor = cursor;
        return TRUE;
    }
    return FALSE;
}

/* After the event whose cursor is @offset's. It belongs to the line that ends at this offset, or to
 * the one around it: an end lies one byte after its newline, so the byte before the offset never
 * begins a line of its own. */
static gboolean seek_offset(LogReader *reader, const RunLogState *state, guint64 offset)
{
    LogPlace *place = &reader->at.place;
    /* One byte of grace: see event_cursor() on a last line of one byte. */
    if (state->transcript_fd < 0 || state->readable == 0 || offset > state->readable + 1)
        return FALSE;
    place->running = state->started && offset > state->agent_offset;
    if (log_go_back(&reader->at, state, MIN(offset, state->readable) - 1, LOG_MAX_LINE + 1))
        return pass_in_line(reader, state, place->cursor);
    /* A line that begins further away has one event, at its end. */
    place->offset = offset;
    log_times_seek(&reader->at.times, state->times_fd, offset);
    return log_is_line_end(state, offset);
}

static gboolean seek(LogReader *reader, guint64 cursor)
{
    RunLogState state;
    run_log_get_state(reader->at.log, &state);
    LogPlace *place = &reader->at.place;
    place->pending = TRUE;
    place->cursor = cursor;
    if (cursor == LOG_CURSOR_PENDING)
        return TRUE;
    if (state.result && cursor == log_end_cursor(state.readable)) {
        *place = (LogPlace){.offset = state.readable,
                            .cursor = cursor,
                            .pending = TRUE,
                            .running = state.started,
                            .end = TRUE};
        return TRUE;
    }
    if (cursor <= LOG_CURSOR_BASE)
        return FALSE;

    guint64 offset = cursor - LOG_CURSOR_BASE;
    if (state.started && offset == state.agent_offset + 1) {
        place->offset = state.agent_offset;
        place->running = TRUE;
        return TRUE;
    }
    return seek_offset(reader, &state, offset);
}

LogReader *log_reader_new(RunLog *log, guint64 cursor, GError **error)
{
    g_autoptr(LogReader) reader = reader_new(log);
    if (cursor > 0 && !seek(reader, cursor)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "cursor %" G_GUINT64_FORMAT
                    " is not the cursor of an event of run %s: pass one that is, or 0 for all "
                    "events",
                    cursor, run_log_identity(log)->run_id);
        return NULL;
    }
    return g_steal_pointer(&reader);
}

/* At the start of the line around @offset, which may take some turns to find. */
static void stand_at_line(LogReader *reader, const RunLogState *state, guint64 offset)
{
    reader->at.place = (LogPlace){.offset = offset,
                                  .cursor = LOG_CURSOR_PENDING,
                                  .pending = TRUE,
                                  .running = state->started && offset > state->agent_offset};
    reader->at.scanned = offset;
    search_start(reader, state);
    reader->at.place.running |= state->started && reader->at.place.offset >= state->agent_offset;
}

LogReader *log_reader_new_again(RunLog *log, guint64 cursor)
{
    g_autoptr(LogReader) reader = reader_new(log);
    RunLogState state;
    if (cursor == 0 || seek(reader, cursor))
        return g_steal_pointer(&reader);
    run_log_get_state(log, &state);
    /* Of an end whose result was lost with the service, or taken away: it is decided once more. */
    if (cursor == log_end_cursor(state.readable))
        return log_reader_new_again(log, LOG_CURSOR_BASE + state.readable);
    if (cursor <= LOG_CURSOR_BASE || state.transcript_fd < 0 ||
        cursor - LOG_CURSOR_BASE > state.readable)
        return NULL;
    stand_at_line(reader, &state, cursor - LOG_CURSOR_BASE);
    reader->at.place.cursor = cursor;
    return g_steal_pointer(&reader);
}

LogReader *log_reader_new_at_head(RunLog *log)
{
    LogReader *reader = reader_new(log);
    RunLogState state;
    run_log_get_state(log, &state);
    reader->at.place.pending = TRUE;
    reader->at.place.cursor = LOG_CURSOR_PENDING;
    if (state.transcript_fd < 0)
        return reader;
    stand_at_line(reader, &state, state.readable);
    if (reader->at.place.offset > 0)
        reader->at.place.cursor = LOG_CURSOR_BASE + reader->at.place.offset;
    return reader;
}
