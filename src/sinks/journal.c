/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sinks/journal.h"

#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "transcript/event-json.h"
#include "transcript/reader.h"
#include "sinks/message-ids.h"
#include "base/util.h"
#include "base/pace.h"

/* journald lets 10,000 entries in 30 s through from the user's whole user@.service (more on a disk
 * with much room): this leaves the other services of the user a share even at its smallest. */
#define ENTRIES_PER_SECOND 250
#define BURST 1000

/* Behind by more than this, the sink skips to the head: unless what is left of the transcript is so
 * little that it will soon be written. A service that comes back after a night then still writes
 * what an agent said last. */
#define MAX_LAG_USEC (10 * 60 * G_USEC_PER_SEC)
#define MIN_SKIPPED (64u * 1024)

#define MAX_DATA (64u * 1024)
#define MAX_MESSAGE (16u * 1024)

typedef struct {
    RunLog *log;
    LogReader *reader;
    SinkCursors *cursors;
    char *unit;
    EventBatch *batch;
    guint next;   /* event of the batch */
    guint64 done; /* the cursor of the last event written */
} Source;

/* An entry that is no event. */
typedef struct {
    RunLog *log;
    char *unit;
    const char *message, *message_id; /* constants */
} Note;

struct JournalSink {
    Runs *runs;                 /* the main loop's */
    gatomicrefcount references; /* the thread's and the owner's */
    GMutex lock;
    GCond wake;
    GPtrArray *added; /* Source *, not yet the thread's */
    GPtrArray *notes; /* Note *, the same */
    gboolean more, quit, busy;

    /* The thread's own. */
    GPtrArray *sources;
    guint turn; /* of the source that is next */
    Pace pace;
};

static void source_free(Source *source)
{
    event_batch_unref(source->batch);
    log_reader_free(source->reader);
    if (source->cursors)
        sink_cursors_unref(source->cursors);
    run_log_unref(source->log);
    g_free(source->unit);
    g_free(source);
}

static void note_free(Note *note)
{
    run_log_unref(note->log);
    g_free(note->unit);
    g_free(note);
}

static void sink_unref(JournalSink *sink)
{
    if (!g_atomic_ref_count_dec(&sink->references))
        return;
    g_ptr_array_unref(sink->added);
    g_ptr_array_unref(sink->notes);
    g_ptr_array_unref(sink->sources);
    g_mutex_clear(&sink->lock);
    g_cond_clear(&sink->wake);
    g_free(sink);
}

/* --- One entry --- */

typedef struct {
    struct iovec fields[16];
    char *owned[16];
    guint count;
} Entry;

static void entry_clear(Entry *entry)
{
    for (guint i = 0; i < entry->count; i++)
        g_free(entry->owned[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Entry, entry_clear)

static void add_field(Entry *entry, const char *name, const char *value, gsize length)
{
    gsize prefix = strlen(name);
    char *field = g_malloc(prefix + 1 + length);
    memcpy(field, name, prefix);
    field[prefix] = '=';
    memcpy(field + prefix + 1, value, length);
    entry->owned[entry->count] = field;
    entry->fields[entry->count++] = (struct iovec){field, prefix + 1 + length};
}

static void add_text(Entry *entry, const char *name, const char *value)
{
    add_field(entry, name, value, strlen(value));
}

typedef struct {
    const char *id;
    int priority;
} Kind;

static Kind classify(const Event *event)
{
    switch (event->type) {
    case EVENT_DONE:
        return (Kind){STORKIT_MESSAGE_DONE, LOG_NOTICE};
    case EVENT_ERROR:
        return (Kind){STORKIT_MESSAGE_FAILED, LOG_ERR};
    case EVENT_STATUS:
        if (g_str_equal(event->text, "running"))
            return (Kind){STORKIT_MESSAGE_RUNNING, LOG_NOTICE};
        if (g_str_equal(event->text, "stopped"))
            return (Kind){STORKIT_MESSAGE_STOPPED, LOG_NOTICE};
        return (Kind){NULL, LOG_INFO};
    case EVENT_AGENT_JSON:
        return (Kind){NULL, LOG_DEBUG};
    default:
        return (Kind){NULL, LOG_INFO};
    }
}

static char *describe_done(const RunIdentity *identity, const Event *event)
{
    g_autoptr(GString) text = g_string_new(NULL);
    double cost;
    guint turns;
    g_string_printf(text, "%s/%s finished", identity->story, identity->agent);
    if (g_variant_lookup(event->details, "turns", "u", &turns))
        g_string_append_printf(text, turns == 1 ? ", %u turn" : ", %u turns", turns);
    if (g_variant_lookup(event->details, "cost_usd", "d", &cost))
        g_string_append_printf(text, cost > 0 && cost < 0.01 ? ", $%.4f" : ", $%.2f", cost);
    return g_strdup(text->str);
}

/* What a person wants to read: what an agent says as it is, and of what becomes of a run whose it
 * is, since the runs of all stories are in one journal. */
static char *describe(const RunIdentity *identity, const Event *event)
{
    const char *message = NULL;
    switch (event->type) {
    case EVENT_DONE:
        return describe_done(identity, event);
    case EVENT_ERROR:
        g_variant_lookup(event->details, "message", "&s", &message);
        return g_strdup_printf("%s/%s failed: %.*s", identity->story, identity->agent,
                               (int)event_cut_length(message, strlen(message), MAX_MESSAGE),
                               message);
    case EVENT_STATUS:
        return g_strdup_printf("%s/%s is %s", identity->story, identity->agent, event->text);
    default:
        if (event->shown && *event->shown)
            return g_strndup(event->shown,
                             event_cut_length(event->shown, strlen(event->shown), MAX_MESSAGE));
        return g_strndup(event->text, event_cut_length(event->text, event->length, MAX_MESSAGE));
    }
}

static void add_identity(Entry *entry, const RunIdentity *identity, const char *unit)
{
    add_text(entry, "STORKIT_PROJECT", identity->project_root);
    add_text(entry, "STORKIT_STORY", identity->story);
    add_text(entry, "STORKIT_AGENT", identity->agent);
    add_text(entry, "STORKIT_RUN", identity->run_id);
    add_text(entry, "USER_UNIT", unit);
    add_text(entry, "SYSLOG_IDENTIFIER", "storkit");
}

static void add_number(Entry *entry, const char *name, guint64 value)
{
    char text[24];
    g_snprintf(text, sizeof(text), "%" G_GUINT64_FORMAT, value);
    add_text(entry, name, text);
}

/* @details with every string in them (an error's message, a session's id) cut to @max bytes. Caller
 * unrefs. */
static GVariant *cut_details(GVariant *details, gsize max)
{
    g_auto(GVariantDict) cut = G_VARIANT_DICT_INIT(details);
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_variant_iter_init(&iter, details);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        gsize length = 0;
        const char *text = g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)
                               ? g_variant_get_string(value, &length)
                               : NULL;
        if (length <= max)
            continue;
        g_autofree char *part = g_strndup(text, event_cut_length(text, length, max));
        g_variant_dict_insert(&cut, key, "s", part);
        g_variant_dict_insert(&cut, "truncated", "b", TRUE);
        g_variant_dict_insert(&cut, "length", "t", (guint64)length);
    }
    return g_variant_ref_sink(g_variant_dict_end(&cut));
}

static void append_json(GString *to, const RunIdentity *identity, const Event *event, gsize max)
{
    Event cut = *event;
    g_autoptr(GVariant) details = event->details ? cut_details(event->details, max) : NULL;
    cut.details = details;
    event_append_json(to, identity, &cut, max);
}

/* The event's JSON in at most MAX_DATA bytes: it is its text that is cut, so that it stays JSON and
 * says what it lacks. Caller frees. */
static GString *describe_as_json(const RunIdentity *identity, const Event *event)
{
    GString *data = g_string_new(NULL);
    gsize max = event->details ? MAX_DATA : MIN(event->length, MAX_DATA);
    event_append_json(data, identity, event, MAX_DATA);
    while (data->len > MAX_DATA && max > 1) {
        /* In JSON a text is longer than it is, and a part of it by about as much. */
        max = MAX(max * MAX_DATA / data->len * 15 / 16, 1);
        g_string_truncate(data, 0);
        append_json(data, identity, event, max);
    }
    return data;
}

static void send_event(const Source *source, const Event *event)
{
    const RunIdentity *identity = run_log_identity(source->log);
    Kind kind = classify(event);
    g_auto(Entry) entry = {.count = 0};
    g_autofree char *message = describe(identity, event);
    g_autoptr(GString) data = describe_as_json(identity, event);

    add_text(&entry, "MESSAGE", message);
    add_identity(&entry, identity, source->unit);
    add_text(&entry, "STORKIT_EVENT", event_type_to_string(event->type));
    add_number(&entry, "STORKIT_CURSOR", event->cursor);
    add_number(&entry, "PRIORITY", (guint64)kind.priority);
    add_field(&entry, "STORKIT_DATA", data->str, data->len);
    if (kind.id)
        add_text(&entry, "MESSAGE_ID", kind.id);
    sd_journal_sendv(entry.fields, (int)entry.count);
}

static void add_note(Entry *entry, RunLog *log, const char *unit, const char *message,
                     const char *message_id)
{
    add_text(entry, "MESSAGE", message);
    if (message_id)
        add_text(entry, "MESSAGE_ID", message_id);
    add_identity(entry, run_log_identity(log), unit);
    add_number(entry, "PRIORITY", LOG_WARNING);
}

static void send_note(const Note *note)
{
    const RunIdentity *identity = run_log_identity(note->log);
    g_auto(Entry) entry = {.count = 0};
    g_autofree char *message =
        g_strdup_printf("%s/%s %s", identity->story, identity->agent, note->message);
    add_note(&entry, note->log, note->unit, message, note->message_id);
    sd_journal_sendv(entry.fields, (int)entry.count);
}

/* That the events behind the last one written, up to the cursor @to, are not in the journal. */
static void send_skipped(const Source *source, guint64 to)
{
    g_auto(Entry) entry = {.count = 0};
    g_autofree char *message = g_strdup_printf(
        "The journal was more than ten minutes behind: events after cursor %" G_GUINT64_FORMAT
        " up to %" G_GUINT64_FORMAT " are in the transcript only",
        source->done, to);
    add_note(&entry, source->log, source->unit, message, STORKIT_MESSAGE_SKIPPED);
    add_number(&entry, "STORKIT_CURSOR", to);
    sd_journal_sendv(entry.fields, (int)entry.count);
}

/* --- The thread --- */

static void set_done(Source *source, guint64 cursor)
{
    source->done = cursor;
    if (source->cursors)
        sink_cursors_set(source->cursors, SINK_JOURNAL, cursor);
}

static void skip_to_head(Source *source)
{
    g_clear_pointer(&source->batch, event_batch_unref);
    log_reader_free(source->reader);
    source->reader = log_reader_new_at_head(source->log);
    guint64 head = log_reader_cursor(source->reader);
    send_skipped(source, head);
    set_done(source, head);
}

/* The next event of @source, or NULL. */
static const Event *peek(Source *source)
{
    if (source->batch && source->next < source->batch->events->len)
        return event_batch_get(source->batch, source->next);
    do {
        g_clear_pointer(&source->batch, event_batch_unref);
        source->batch = log_reader_decode(source->reader, NULL);
    } while (source->batch && source->batch->events->len == 0);
    source->next = 0;
    return source->batch ? event_batch_get(source->batch, 0) : NULL;
}

static gboolean is_far_behind(const Source *source, const Event *event)
{
    return event->time + MAX_LAG_USEC < now_usec() &&
           log_reader_backlog(source->reader) > MIN_SKIPPED;
}

/* Writes one event of @source; FALSE if it has none now. */
static gboolean write_one(JournalSink *sink, Source *source)
{
    const Event *event = peek(source);
    if (event && is_far_behind(source, event)) {
        skip_to_head(source);
        event = peek(source);
    }
    if (!event)
        return FALSE;
    send_event(source, event);
    set_done(source, event->cursor);
    source->next++;
    pace_take(&sink->pace, 1);
    return TRUE;
}

/* One event of each source in turn, as long as there are tokens: the next round goes on where this
 * one stops, or it would be the same few that have all the tokens. TRUE: there may be more. */
static gboolean write_round(JournalSink *sink)
{
    gboolean any = FALSE;
    for (guint left = sink->sources->len; left > 0 && pace_has_token(&sink->pace); left--) {
        sink->turn %= sink->sources->len;
        Source *source = g_ptr_array_index(sink->sources, sink->turn);
        gboolean wrote = write_one(sink, source);
        any |= wrote;
        if (!wrote && log_reader_is_at_end(source->reader))
            g_ptr_array_remove_index_fast(sink->sources, sink->turn);
        else
            sink->turn++;
    }
    return any;
}

static void take_added(JournalSink *sink)
{
    while (sink->added->len > 0)
        g_ptr_array_add(sink->sources, g_ptr_array_steal_index(sink->added, 0));
    sink->more = FALSE;
}

/* Sleeps until there is something to write and a token for it. FALSE: quit. */
static gboolean wait_for_work(JournalSink *sink, gboolean any)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&sink->lock);
    gint64 until = g_get_monotonic_time() + G_USEC_PER_SEC / 10;
    while (!sink->quit && any && !pace_has_token(&sink->pace) &&
           g_cond_wait_until(&sink->wake, &sink->lock, until))
        ;
    if (!any)
        sink->busy = sink->more;
    while (!sink->quit && !any && !sink->more)
        g_cond_wait(&sink->wake, &sink->lock);
    take_added(sink);
    return !sink->quit;
}

static void write_notes(JournalSink *sink)
{
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)note_free);
    g_mutex_lock(&sink->lock);
    while (sink->notes->len > 0)
        g_ptr_array_add(notes, g_ptr_array_steal_index(sink->notes, 0));
    g_mutex_unlock(&sink->lock);
    for (guint i = 0; i < notes->len; i++)
        send_note(g_ptr_array_index(notes, i));
}

static gpointer run_thread(gpointer data)
{
    JournalSink *sink = data;
    gboolean any = FALSE;
    while (wait_for_work(sink, any)) {
        write_notes(sink);
        pace_refill(&sink->pace);
        any = !pace_has_token(&sink->pace) || write_round(sink);
    }
    sink_unref(sink);
    return NULL;
}

/* A log has more to read. */
static void wake(JournalSink *sink)
{
    g_mutex_lock(&sink->lock);
    sink->more = sink->busy = TRUE;
    g_cond_signal(&sink->wake);
    g_mutex_unlock(&sink->lock);
}

void journal_sink_add(JournalSink *sink, RunLog *log, SinkCursors *cursors, const char *unit)
{
    Source *source = g_new0(Source, 1);
    source->log = run_log_ref(log);
    source->cursors = cursors ? sink_cursors_ref(cursors) : NULL;
    source->unit = g_strdup(unit);
    source->done = cursors ? sink_cursors_get(cursors, SINK_JOURNAL) : 0;
    source->reader = log_reader_new(log, source->done, NULL);
    if (!source->reader) /* a cursor that is none: begin again rather than lose events */
        source->reader = log_reader_new(log, 0, NULL);

    g_mutex_lock(&sink->lock);
    g_ptr_array_add(sink->added, source);
    g_mutex_unlock(&sink->lock);
    wake(sink);
}

/* What the journal says of a run, behind whose it is. */
static const struct {
    const char *message, *id;
} notes[] = {
    [NOTE_FROZEN] = {"is frozen", NULL},
    [NOTE_THAWED] = {"goes on", NULL},
    [NOTE_DISK_FULL] = {"is held back until there is room: the disk is full",
                        STORKIT_MESSAGE_DISK_FULL},
    [NOTE_DISK_ROOM] = {"goes on: there is room on the disk again", NULL},
    [NOTE_OOM_KILL] = {"goes on without a process that the kernel killed for lack of memory",
                       STORKIT_MESSAGE_OOM_KILL},
};

static void add_note_of(JournalSink *sink, Run *run, RunNote what)
{
    if (!run_get_log(run))
        return;
    Note *note = g_new0(Note, 1);
    *note = (Note){run_log_ref(run_get_log(run)), g_strdup(run_get_record(run)->unit),
                   notes[what].message, notes[what].id};
    g_mutex_lock(&sink->lock);
    g_ptr_array_add(sink->notes, note);
    g_mutex_unlock(&sink->lock);
    wake(sink);
}

gboolean journal_sink_is_busy(JournalSink *sink)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&sink->lock);
    return sink->busy;
}

/* --- Life and end --- */

static void add_run(JournalSink *sink, Run *run)
{
    g_autoptr(RunLog) log = run_open_log(run, NULL);
    if (log)
        journal_sink_add(sink, log, run_get_cursors(run), run_get_record(run)->unit);
}

static void heard(const RunNews *news, gpointer data)
{
    if (news->kind == NEWS_VISIBLE)
        add_run(data, news->run);
    else if (news->kind == NEWS_EVENTS)
        wake(data);
    else if (news->kind == NEWS_NOTE)
        add_note_of(data, news->run, news->note);
}

JournalSink *journal_sink_new(Runs *runs)
{
    JournalSink *sink = g_new0(JournalSink, 1);
    sink->runs = runs;
    g_atomic_ref_count_init(&sink->references);
    g_mutex_init(&sink->lock);
    g_cond_init(&sink->wake);
    sink->added = g_ptr_array_new_with_free_func((GDestroyNotify)source_free);
    sink->notes = g_ptr_array_new_with_free_func((GDestroyNotify)note_free);
    sink->sources = g_ptr_array_new_with_free_func((GDestroyNotify)source_free);
    /* It begins with few: in a crash-loop they add up. */
    pace_init(&sink->pace, ENTRIES_PER_SECOND, BURST, ENTRIES_PER_SECOND);
    g_atomic_ref_count_inc(&sink->references);
    g_thread_unref(g_thread_new("journal", run_thread, sink));
    runs_add_listener(runs, heard, sink);
    return sink;
}

void journal_sink_free(JournalSink *sink)
{
    if (!sink)
        return;
    runs_remove_listener(sink->runs, sink);
    g_mutex_lock(&sink->lock);
    sink->quit = TRUE;
    g_cond_signal(&sink->wake);
    g_mutex_unlock(&sink->lock);
    sink_unref(sink);
}
