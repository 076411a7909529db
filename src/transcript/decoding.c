/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/decoding.h"

#include <string.h>
#include <unistd.h>

#include "base/line-clean.h"
#include "transcript/decoder.h"

/* One read of the transcript: enough for hundreds of ordinary lines. */
#define CHUNK (64u * 1024)

/* --- From lines to events --- */

typedef struct {
    LogPosition *position;
    const RunLogState *state;
    EventBatch *batch;
    RunFacts *facts; /* or NULL */
    const AgentKind *kind;
} Decoding;

static Decoding decoding_of(LogPosition *position, const RunLogState *state, EventBatch *batch,
                            RunFacts *facts)
{
    return (Decoding){position, state, batch, facts, run_log_kind(position->log)};
}

static void add_event(Decoding *decoding, Event event, char *text_taken)
{
    decoding->position->place.cursor = event.cursor;
    event_batch_add(decoding->batch, &event, text_taken);
}

/* For the last event added: its text as a terminal shows it. */
static void set_shown(Decoding *decoding, char *shown_taken)
{
    GArray *events = decoding->batch->events;
    if (!shown_taken)
        return;
    g_array_index(events, Event, events->len - 1).shown = shown_taken;
    g_ptr_array_add(decoding->batch->strings, shown_taken);
}

static gboolean is_agents(const Decoding *decoding)
{
    return decoding->state->started &&
           decoding->position->place.offset >= decoding->state->agent_offset;
}

/* The cursor of the i-th (from 1) of @n events of the line from place.offset to @end. */
static guint64 event_cursor(const Decoding *decoding, guint i, guint n, guint64 end)
{
    guint64 start = decoding->position->place.offset;
    guint64 place = i;
    if (decoding->state->started && start == decoding->state->agent_offset)
        place++;
    guint64 cursor = LOG_CURSOR_BASE + start + place;
    /* A last line of one byte without a newline right after `running` would end on its cursor. */
    return i == n ? MAX(LOG_CURSOR_BASE + end, cursor) : cursor;
}

static guint64 line_time(const Decoding *decoding, guint64 end)
{
    LogPosition *position = decoding->position;
    return log_times_get(&position->times, decoding->state->times_fd, end - 1,
                         decoding->state->readable, run_log_created(position->log));
}

static guint count_events(const DecodedLine *line)
{
    return 1 + (line->texts ? line->texts->len : 0);
}

static void emit_texts(Decoding *decoding, DecodedLine *line, guint n, guint64 end, guint64 time)
{
    for (guint i = decoding->position->place.given; i + 1 < n; i++) {
        char *text = g_steal_pointer(&g_ptr_array_index(line->texts, i));
        add_event(decoding,
                  (Event){.type = EVENT_OUTPUT,
                          .cursor = event_cursor(decoding, i + 1, n, end),
                          .time = time,
                          .length = strlen(text)},
                  text);
    }
}

static void emit(Decoding *decoding, DecodedLine *line, guint64 end)
{
    guint n = count_events(line);
    guint64 time = line_time(decoding, end);
    emit_texts(decoding, line, n, end, time);
    ((char *)line->text)[line->length] = '\0';
    add_event(decoding,
              (Event){.type = line->class == LINE_JSON ? EVENT_AGENT_JSON : EVENT_OUTPUT,
                      .cursor = event_cursor(decoding, n, n, end),
                      .time = time,
                      .text = line->text,
                      .length = line->length},
              g_steal_pointer(&line->cleaned));
    set_shown(decoding, g_steal_pointer(&line->shown));
}

/* --- Messages in pieces --- */

void log_position_clear(LogPosition *position)
{
    text_join_clear(&position->join);
}

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

/* A session that is resumed is shown again before the run's prompt: that was no output of it. */
static void forget_old(const Decoding *decoding, guint64 offset, DecodedLine *line)
{
    if (!line->is_update || offset >= decoding->state->history_end)
        return;
    line->facts.assistant = FALSE;
    line->ends_it |= line->piece != NULL;
    g_clear_pointer(&line->piece, g_free);
}

static void skip_line(Decoding *decoding, const char *bytes, gsize length, guint64 end)
{
    TextJoin *join = &decoding->position->join;
    g_auto(DecodedLine) line = {0};
    decode_line(decoding->kind, bytes, length, &line);
    forget_old(decoding, join->offset, &line);
    text_join_take(join, &line, end);
}

/* Reads the lines between the start of the block and the place at hand once more. A line that began
 * before the block has left nothing. */
static void find_carried(Decoding *decoding)
{
    const RunLogState *state = decoding->state;
    TextJoin *join = &decoding->position->join;
    guint64 place = decoding->position->place.offset, block = text_join_block(place);
    guint64 begin =
        MAX(block, state->agent_offset + 1) - 1; /* a newline there ends a line before */
    gsize size = (gsize)(place - MIN(place, begin));
    g_autofree char *bytes = g_malloc(size + 1);
    const char *line = bytes, *end = bytes + read_at(state->transcript_fd, bytes, size, begin);
    const char *newline;
    if (block > state->agent_offset)
        line = (newline = memchr(bytes, '\n', (gsize)(end - bytes))) ? newline + 1 : end;
    text_join_begin(join, begin + (guint64)(line - bytes));
    while (line < end && (newline = memchr(line, '\n', (gsize)(end - line)))) {
        skip_line(decoding, line, (gsize)(newline - line), begin + (guint64)(newline + 1 - bytes));
        line = newline + 1;
    }
    join->offset = place;
}

static void join_pieces(Decoding *decoding, DecodedLine *line, guint64 end)
{
    LogPosition *position = decoding->position;
    if (position->join.offset != position->place.offset)
        find_carried(decoding);
    forget_old(decoding, position->place.offset, line);
    text_join_take(&position->join, line, end);
}

/* --- Lines --- */

/* A question is known by its event, as is a line that a reply is owed for. */
static void place_question(const Decoding *decoding, DecodedLine *line, guint64 end)
{
    AgentQuestion *question = line->facts.question;
    guint n = count_events(line);
    line->facts.place = (LinePlace){
        .id = event_cursor(decoding, n, n, end),
        .offset = decoding->position->place.offset,
        .end = end,
    };
    if (!question)
        return;
    question->id = g_strdup_printf("%" G_GUINT64_FORMAT, line->facts.place.id);
    question->place = line->facts.place;
    question->time = line_time(decoding, end);
}

/* A line whose bytes go from place.offset to @end, its newline (if any) included. They are in the
 * batch's memory, where its events point to them, with space for one more after them. */
static void take_line(Decoding *decoding, const char *bytes, gsize length, guint64 end)
{
    gboolean agents = is_agents(decoding);
    g_auto(DecodedLine) line = {0};
    decode_line(agents ? decoding->kind : &agent_kind_raw, bytes, length, &line);
    if (agents && decoding->kind->reply)
        join_pieces(decoding, &line, end);
    place_question(decoding, &line, end);
    if (decoding->facts && agents)
        run_facts_add(decoding->facts, &line.facts);
    if (line.class != LINE_NOTHING)
        emit(decoding, &line, end);
    decoding->position->place.given = 0;
    decoding->position->place.offset = end;
}

/* --- Reading the transcript --- */

/* Past LOG_MAX_LINE: one `output` with as much of its text as a signal would carry. */
static void take_giant_line(Decoding *decoding, guint64 length, guint64 end)
{
    guint64 start = decoding->position->place.offset;
    g_autofree char *bytes = g_malloc(EVENT_BUS_MAX);
    gsize n = read_at(decoding->state->transcript_fd, bytes, EVENT_BUS_MAX, start);
    gsize text_length;
    char *text = line_clean(bytes, n, &text_length);
    add_event(decoding,
              (Event){.type = EVENT_OUTPUT,
                      .cursor = event_cursor(decoding, 1, 1, end),
                      .time = line_time(decoding, end),
                      .length = text_length,
                      .full_length = length},
              text);
    decoding->position->place.given = 0;
    decoding->position->place.offset = end;
}

static void take_long_line(Decoding *decoding, guint64 length, guint64 end)
{
    if (length > LOG_MAX_LINE) {
        take_giant_line(decoding, length, end);
        return;
    }
    char *bytes = event_batch_alloc(decoding->batch, (gsize)length + 1);
    gsize n = read_at(decoding->state->transcript_fd, bytes, (gsize)length,
                      decoding->position->place.offset);
    take_line(decoding, bytes, n, end);
}

/* How far lines may be read now: `running` is between setup's lines and the agent's. */
static guint64 lines_limit(const Decoding *decoding)
{
    const RunLogState *state = decoding->state;
    if (state->started && !decoding->position->place.running)
        return MIN(state->readable, state->agent_offset);
    return state->readable;
}

static gboolean last_line_is_whole(const RunLogState *state, guint64 limit)
{
    return (state->complete && limit == state->readable) ||
           (state->started && limit == state->agent_offset);
}

/* The line at place.offset is longer than a chunk, or incomplete. TRUE: it was taken, or there is
 * more to search. */
static gboolean take_line_by_scanning(Decoding *decoding, guint64 limit)
{
    LogPosition *position = decoding->position;
    guint64 start = position->place.offset, begin = MAX(position->scanned, start);
    char chunk[CHUNK];
    for (guint64 at = begin; at < limit;) {
        if (at - begin >= LOG_MAX_SCAN)
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
        position->scanned = at;
    }
    if (!last_line_is_whole(decoding->state, limit) || limit == start)
        return FALSE;
    take_long_line(decoding, limit - start, limit);
    return TRUE;
}

/* TRUE: it has gone on, with or without an event. */
static gboolean take_lines(Decoding *decoding)
{
    LogPosition *position = decoding->position;
    guint64 limit = lines_limit(decoding), start = position->place.offset;
    if (decoding->state->transcript_fd < 0 || start >= limit)
        return FALSE;
    if (position->scanned > start)
        return take_line_by_scanning(decoding, limit);

    gsize size = MIN(CHUNK, limit - start);
    char *chunk = event_batch_alloc(decoding->batch, size + 1);
    gsize length = read_at(decoding->state->transcript_fd, chunk, size, start);
    const char *line = chunk, *end = chunk + length, *newline;
    while (line < end && (newline = memchr(line, '\n', (gsize)(end - line)))) {
        take_line(decoding, line, (gsize)(newline - line), start + (guint64)(newline + 1 - chunk));
        line = newline + 1;
    }
    if (line > chunk)
        return TRUE;
    position->scanned = start + length;
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
    const LogPlace *place = &decoding->position->place;
    return decoding->state->started && !place->running &&
           place->offset >= decoding->state->agent_offset;
}

static gboolean end_is_due(const Decoding *decoding)
{
    const LogPlace *place = &decoding->position->place;
    return decoding->state->result && !place->end && place->offset >= decoding->state->readable &&
           (place->running || !decoding->state->started);
}

guint64 log_end_cursor(guint64 bytes)
{
    return LOG_CURSOR_BASE + bytes + 2;
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
    decoding->position->place.end = TRUE;
}

gboolean log_decode_next(LogPosition *position, const RunLogState *state, EventBatch *batch,
                         RunFacts *facts)
{
    Decoding decoding = decoding_of(position, state, batch, facts);
    LogPlace *place = &position->place;
    if (!place->pending) {
        place->pending = TRUE;
        add_status(&decoding, LOG_CURSOR_PENDING, run_log_created(position->log), "pending");
    }
    gboolean moved = take_lines(&decoding);
    if (running_is_due(&decoding)) {
        place->running = TRUE;
        add_status(&decoding, LOG_CURSOR_BASE + place->offset + 1, state->started_time, "running");
    }
    if (end_is_due(&decoding))
        add_end(&decoding);
    return moved || batch->events->len > 0;
}

gboolean log_decode_line(LogPosition *position, const RunLogState *state, EventBatch *batch)
{
    Decoding decoding = decoding_of(position, state, batch, NULL);
    guint64 line = position->place.offset;
    guint64 limit = MIN(lines_limit(&decoding), line + LOG_MAX_LINE + 2);
    while (position->place.offset == line)
        if (!take_line_by_scanning(&decoding, limit))
            return FALSE;
    return TRUE;
}

/* --- Looking back --- */

/* Where the line begins that holds the byte before @offset, or whose newline that is: just after
 * the last newline before that byte, or at @floor, where lines begin, too. FALSE if it is more than
 * @max bytes away: the line has been followed back to @ret. */
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

gboolean log_go_back(LogPosition *position, const RunLogState *state, guint64 offset, guint64 max)
{
    LogPlace *place = &position->place;
    guint64 floor = place->running ? state->agent_offset : 0;
    gboolean found = find_line_start(state->transcript_fd, offset, floor, max, &place->offset);
    log_times_seek(&position->times, state->times_fd, place->offset);
    return found;
}

gboolean log_is_line_end(const RunLogState *state, guint64 offset)
{
    char last = '\0';
    return read_at(state->transcript_fd, &last, 1, offset - 1) == 1 && offset <= state->readable &&
           (last == '\n' || last_line_is_whole(state, offset));
}
