/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/reader.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "transcript/times.h"

/* One read of the transcript: enough for hundreds of ordinary lines, small enough for the stack. */
#define CHUNK (64u * 1024)

/* How much of a line that is longer is searched for its end, or its start, at a time. */
#define MAX_SCAN (4u * 1024 * 1024)

/* The first cursor that is a byte's. */
#define CURSOR_BASE 16u

struct LogReader {
    RunLog *log;
    LogPlace place;  /* two readers of one log with the same place will read the same */
    guint64 scanned; /* the line at place.offset has no newline before this */
    LogTimes times;
};

/* --- From lines to events --- */

typedef struct {
    LogReader *reader;
    const RunLogState *state;
    EventBatch *batch;
    RunFacts *facts;
} Decoding;

static void add_event(Decoding *decoding, Event event, char *text_taken)
{
    decoding->reader->place.cursor = event.cursor;
    event_batch_add(decoding->batch, &event, text_taken);
}

static gboolean is_agents(const Decoding *decoding)
{
    return decoding->state->started &&
           decoding->reader->place.offset >= decoding->state->agent_offset;
}

/* The cursor of the i-th (from 1) of @n events of the line from place.offset to @end. */
static guint64 event_cursor(const Decoding *decoding, guint i, guint n, guint64 end)
{
    guint64 start = decoding->reader->place.offset;
    guint64 place = i;
    if (decoding->state->started && start == decoding->state->agent_offset)
        place++;
    guint64 cursor = CURSOR_BASE + start + place;
    /* A last line of one byte and no newline right behind `running` would end on its cursor. */
    return i == n ? MAX(CURSOR_BASE + end, cursor) : cursor;
}

static guint64 line_time(const Decoding *decoding, guint64 end)
{
    LogReader *reader = decoding->reader;
    return log_times_get(&reader->times, decoding->state->times_fd, end - 1,
                         decoding->state->readable, run_log_created(reader->log));
}

static void emit_texts(Decoding *decoding, DecodedLine *line, guint n, guint64 end, guint64 time)
{
    for (guint i = decoding->reader->place.given; i + 1 < n; i++) {
        char *text = g_steal_pointer(&g_ptr_array_index(line->texts, i));
        add_event(decoding,
                  (Event){.type = EVENT_OUTPUT,
                          .cursor = event_cursor(decoding, i + 1, n, end),
                          .time = time,
                          .length = strlen(text)},
                  text);
    }
}

/* A line whose bytes go from place.offset to @end, its newline (if any) included. */
static void take_line(Decoding *decoding, const char *bytes, gsize length, guint64 end)
{
    gboolean agents = is_agents(decoding);
    g_auto(DecodedLine) line = {0};
    decode_line(agents ? run_log_kind(decoding->reader->log) : AGENT_KIND_RAW, bytes, length,
                &line);
    if (decoding->facts && agents)
        run_facts_add(decoding->facts, &line.facts);

    if (line.class != LINE_NOTHING) {
        guint n = 1 + (line.texts ? line.texts->len : 0);
        guint64 time = line_time(decoding, end);
        emit_texts(decoding, &line, n, end, time);
        add_event(decoding,
                  (Event){.type = line.class == LINE_JSON ? EVENT_AGENT_JSON : EVENT_OUTPUT,
                          .cursor = event_cursor(decoding, n, n, end),
                          .time = time,
                          .length = line.length},
                  g_steal_pointer(&line.text));
    }
    decoding->reader->place.given = 0;
    decoding->reader->place.offset = end;
}

/* --- Reading the transcript --- */

/* Fills @buffer from @offset: short only where the file is. */
static gsize read_at(int fd, char *buffer, gsize length, guint64 offset)
{
    gsize done = 0;
    while (done < length) {
        ssize_t n = pread(fd, buffer + done, length - done, (off_t)(offset + done));
        if (n <= 0)
            break;
        done += (gsize)n;
    }
    return done;
}

/* Past LOG_READER_MAX_LINE: one `output` with as much of its text as a signal would carry. */
static void take_giant_line(Decoding *decoding, guint64 length, guint64 end)
{
    guint64 start = decoding->reader->place.offset;
    g_autofree char *bytes = g_malloc(EVENT_BUS_MAX);
    gsize n = read_at(decoding->state->transcript_fd, bytes, EVENT_BUS_MAX, start);
    gsize text_length;
    char *text = decode_clean_text(bytes, n, &text_length);
    add_event(decoding,
              (Event){.type = EVENT_OUTPUT,
                      .cursor = event_cursor(decoding, 1, 1, end),
                      .time = line_time(decoding, end),
                      .length = text_length,
                      .full_length = length},
              text);
    decoding->reader->place.given = 0;
    decoding->reader->place.offset = end;
}

static void take_long_line(Decoding *decoding, guint64 length, guint64 end)
{
    if (length > LOG_READER_MAX_LINE) {
        take_giant_line(decoding, length, end);
        return;
    }
    g_autofree char *bytes = g_malloc((gsize)length);
    gsize n = read_at(decoding->state->transcript_fd, bytes, (gsize)length,
                      decoding->reader->place.offset);
    take_line(decoding, bytes, n, end);
}

/* How far lines may be taken now: `running` stands between setup's lines and the agent's. */
static guint64 lines_limit(const Decoding *decoding)
{
    const RunLogState *state = decoding->state;
    if (state->started && !decoding->reader->place.running)
        return MIN(state->readable, state->agent_offset);
    return state->readable;
}

static gboolean last_line_is_whole(const RunLogState *state, guint64 limit)
{
    return (state->complete && limit == state->readable) ||
           (state->started && limit == state->agent_offset);
}

/* The line at place.offset is longer than a chunk, or not all there. TRUE: it was taken, or there
 * is more to search. */
static gboolean take_line_by_scanning(Decoding *decoding, guint64 limit)
{
    LogReader *reader = decoding->reader;
    guint64 start = reader->place.offset, begin = MAX(reader->scanned, start);
    char chunk[CHUNK];
    for (guint64 at = begin; at < limit;) {
        if (at - begin >= MAX_SCAN)
            return TRUE;
        gsize n = read_at(decoding->state->transcript_fd, chunk, MIN(CHUNK, limit - at), at);
        const char *newline = memchr(chunk, '\n', n);
        if (newline) {
            guint64 end = at + (guint64)(newline - chunk);
            take_long_line(decoding, end - start, end + 1);
            return TRUE;
        }
        if (n == 0)
            break;
        at += n;
        reader->scanned = at;
    }
    if (!last_line_is_whole(decoding->state, limit) || limit == start)
        return FALSE;
    take_long_line(decoding, limit - start, limit);
    return TRUE;
}

/* TRUE: it has gone on, with or without an event. */
static gboolean take_lines(Decoding *decoding)
{
    LogReader *reader = decoding->reader;
    guint64 limit = lines_limit(decoding), start = reader->place.offset;
    if (decoding->state->transcript_fd < 0 || start >= limit)
        return FALSE;
    if (reader->scanned > start)
        return take_line_by_scanning(decoding, limit);

    char chunk[CHUNK];
    gsize length = read_at(decoding->state->transcript_fd, chunk, MIN(CHUNK, limit - start), start);
    const char *line = chunk, *end = chunk + length, *newline;
    while (line < end && (newline = memchr(line, '\n', (gsize)(end - line)))) {
        take_line(decoding, line, (gsize)(newline - line), start + (guint64)(newline + 1 - chunk));
        line = newline + 1;
    }
    if (line > chunk)
        return TRUE;
    reader->scanned = start + length;
    return take_line_by_scanning(decoding, limit);
}

/* --- The events that are not in the transcript --- */

static void add_status(Decoding *decoding, guint64 cursor, guint64 time, const char *status)
{
    add_event(decoding,
              (Event){.type = EVENT_STATUS,
                      .cursor = cursor,
                      .time = time,
                      .text = status,
                      .length = strlen(status)},
              NULL);
}

static gboolean running_is_due(const Decoding *decoding)
{
    const LogPlace *place = &decoding->reader->place;
    return decoding->state->started && !place->running &&
           place->offset >= decoding->state->agent_offset;
}

static gboolean end_is_due(const Decoding *decoding)
{
    const LogPlace *place = &decoding->reader->place;
    return decoding->state->result && !place->end && place->offset >= decoding->state->readable &&
           (place->running || !decoding->state->started);
}

guint64 log_end_cursor(guint64 bytes)
{
    return CURSOR_BASE + bytes + 2;
}

static void add_end(Decoding *decoding)
{
    static const EventType types[] = {[OUTCOME_COMPLETED] = EVENT_DONE,
                                      [OUTCOME_FAILED] = EVENT_ERROR,
                                      [OUTCOME_STOPPED] = EVENT_STATUS};
    const RunResult *result = decoding->state->result;
    gboolean stopped = result->outcome == OUTCOME_STOPPED;
    add_event(decoding,
              (Event){.type = types[result->outcome],
                      .cursor = log_end_cursor(decoding->state->readable),
                      .time = result->ended,
                      .text = stopped ? "stopped" : NULL,
                      .length = stopped ? strlen("stopped") : 0,
                      .details = stopped ? NULL : run_result_event_data(result)},
              NULL);
    decoding->reader->place.end = TRUE;
}

/* FALSE: there is nothing more now. */
static gboolean decode_next(Decoding *decoding)
{
    LogPlace *place = &decoding->reader->place;
    if (!place->pending) {
        place->pending = TRUE;
        add_status(decoding, LOG_CURSOR_PENDING, run_log_created(decoding->reader->log), "pending");
    }
    gboolean moved = take_lines(decoding);
    if (running_is_due(decoding)) {
        place->running = TRUE;
        add_status(decoding, CURSOR_BASE + place->offset + 1, decoding->state->started_time,
                   "running");
    }
    if (end_is_due(decoding))
        add_end(decoding);
    return moved || decoding->batch->events->len > 0;
}

/* --- Looking back --- */

/* Where the line begins that holds the byte before @offset, or whose newline that is not: just
 * behind the last newline before it, or at @floor, where lines begin, too. FALSE where that is more
 * than @max bytes away: the line has been followed back to @ret. */
static gboolean find_line_start(int fd, guint64 offset, guint64 floor, guint64 max, guint64 *ret)
{
    char chunk[CHUNK];
    guint64 stop = offset - floor > max ? offset - max : floor;
    while (offset > stop) {
        guint64 from = offset - stop > CHUNK ? offset - CHUNK : stop;
        gsize n = read_at(fd, chunk, (gsize)(offset - from), from);
        const char *newline = memrchr(chunk, '\n', n);
        if (newline) {
            *ret = from + (guint64)(newline - chunk) + 1;
            return TRUE;
        }
        offset = from;
    }
    *ret = stop;
    return stop == floor;
}

/* Where the lines begin that a place before or behind `running` is in. */
static guint64 lines_floor(const RunLogState *state, const LogPlace *place)
{
    return place->running ? state->agent_offset : 0;
}

/* Goes back in the line that the reader was put into, as far as one turn may. */
static void go_back(LogReader *reader, const RunLogState *state)
{
    LogPlace *place = &reader->place;
    place->inside = !find_line_start(state->transcript_fd, place->offset, lines_floor(state, place),
                                     MAX_SCAN, &place->offset);
    log_times_seek(&reader->times, state->times_fd, place->offset);
}

/* --- The reader --- */

EventBatch *log_reader_decode(LogReader *reader, RunFacts *facts)
{
    RunLogState state;
    run_log_get_state(reader->log, &state);
    g_autoptr(EventBatch) batch = event_batch_new(run_log_identity(reader->log));
    Decoding decoding = {.reader = reader, .state = &state, .batch = batch, .facts = facts};
    gboolean more = TRUE;
    batch->before = reader->place;
    if (reader->place.inside)
        go_back(reader, &state);
    else
        more = decode_next(&decoding);
    batch->after = reader->place;
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
    if (batch->identity != run_log_identity(reader->log) ||
        !same_place(&batch->before, &reader->place) ||
        same_place(&batch->before, &batch->after)) /* a search that each makes for itself */
        return FALSE;
    reader->place = batch->after;
    return TRUE;
}

guint64 log_reader_cursor(const LogReader *reader)
{
    return reader->place.cursor;
}

gboolean log_reader_is_at_end(const LogReader *reader)
{
    return reader->place.end;
}

guint64 log_reader_backlog(const LogReader *reader)
{
    RunLogState state;
    run_log_get_state(reader->log, &state);
    return state.readable - MIN(state.readable, reader->place.offset);
}

static LogReader *reader_new(RunLog *log)
{
    LogReader *reader = g_new0(LogReader, 1);
    reader->log = run_log_ref(log);
    return reader;
}

void log_reader_free(LogReader *reader)
{
    if (!reader)
        return;
    run_log_unref(reader->log);
    g_free(reader);
}

/* --- Finding a cursor's place --- */

/* Takes the line at place.offset and goes back behind its event @cursor. Of a line past
 * LOG_READER_MAX_LINE no more is read than shows that it is one. */
static gboolean pass_in_line(LogReader *reader, const RunLogState *state, guint64 cursor)
{
    g_autoptr(EventBatch) batch = event_batch_new(run_log_identity(reader->log));
    Decoding decoding = {.reader = reader, .state = state, .batch = batch};
    guint64 line = reader->place.offset;
    guint64 limit = MIN(lines_limit(&decoding), line + LOG_READER_MAX_LINE + 2);
    while (reader->place.offset == line)
        if (!take_line_by_scanning(&decoding, limit))
            return FALSE;

    for (guint i = 0; i < batch->events->len; i++) {
        if (event_batch_get(batch, i)->cursor != cursor)
            continue;
        if (i + 1 < batch->events->len) {
            reader->place.offset = line;
            reader->place.given = i + 1;
        }
        reader->place.cursor = cursor;
        return TRUE;
    }
    return FALSE;
}

static gboolean is_line_end(const RunLogState *state, guint64 offset)
{
    char last = '\0';
    return read_at(state->transcript_fd, &last, 1, offset - 1) == 1 && offset <= state->readable &&
           (last == '\n' || last_line_is_whole(state, offset));
}

/* Behind the event whose cursor is @offset's. It is of the line that ends at this offset, or of the
 * one around it: an end lies one byte behind its newline, so the byte before the offset never
 * begins a line of its own. */
static gboolean seek_offset(LogReader *reader, const RunLogState *state, guint64 offset)
{
    LogPlace *place = &reader->place;
    /* One byte of grace: see event_cursor() on a last line of one byte. */
    if (state->transcript_fd < 0 || state->readable == 0 || offset > state->readable + 1)
        return FALSE;
    place->running = state->started && offset > state->agent_offset;
    /* A line that begins further away has one event, at its end. */
    gboolean near =
        find_line_start(state->transcript_fd, MIN(offset, state->readable) - 1,
                        lines_floor(state, place), LOG_READER_MAX_LINE + 1, &place->offset);
    if (!near)
        place->offset = offset;
    log_times_seek(&reader->times, state->times_fd, place->offset);
    return near ? pass_in_line(reader, state, place->cursor) : is_line_end(state, offset);
}

static gboolean seek(LogReader *reader, guint64 cursor)
{
    RunLogState state;
    run_log_get_state(reader->log, &state);
    LogPlace *place = &reader->place;
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
    if (cursor <= CURSOR_BASE)
        return FALSE;

    guint64 offset = cursor - CURSOR_BASE;
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
                    "cursor %" G_GUINT64_FORMAT " is no event of run %s: pass one that an event of "
                    "this run carried, or 0 for all of it",
                    cursor, run_log_identity(log)->run_id);
        return NULL;
    }
    return g_steal_pointer(&reader);
}

/* At the start of the line around @offset, which may take some turns to find. */
static void stand_at_line(LogReader *reader, const RunLogState *state, guint64 offset)
{
    reader->place = (LogPlace){.offset = offset,
                               .cursor = LOG_CURSOR_PENDING,
                               .pending = TRUE,
                               .running = state->started && offset > state->agent_offset};
    reader->scanned = offset;
    go_back(reader, state);
    reader->place.running |= state->started && reader->place.offset >= state->agent_offset;
}

LogReader *log_reader_new_again(RunLog *log, guint64 cursor)
{
    g_autoptr(LogReader) reader = reader_new(log);
    RunLogState state;
    if (cursor == 0 || seek(reader, cursor))
        return g_steal_pointer(&reader);
    run_log_get_state(log, &state);
    if (cursor <= CURSOR_BASE || state.transcript_fd < 0 || cursor - CURSOR_BASE > state.readable)
        return NULL;
    stand_at_line(reader, &state, cursor - CURSOR_BASE);
    reader->place.cursor = cursor;
    return g_steal_pointer(&reader);
}

LogReader *log_reader_new_at_head(RunLog *log)
{
    LogReader *reader = reader_new(log);
    RunLogState state;
    run_log_get_state(log, &state);
    reader->place.pending = TRUE;
    reader->place.cursor = LOG_CURSOR_PENDING;
    if (state.transcript_fd < 0)
        return reader;
    stand_at_line(reader, &state, state.readable);
    if (reader->place.offset > 0)
        reader->place.cursor = CURSOR_BASE + reader->place.offset;
    return reader;
}
