/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sinks/journal.h"

#include "sinks/journal-entry.h"
#include "transcript/reader.h"
#include "base/test-hooks.h"
#include "base/util.h"
#include "base/pace.h"

/* journald lets 10,000 entries in 30 s through from the user's whole user@.service (more on a disk
 * with much room): this leaves the other services of the user a share even at its smallest. */
#define ENTRIES_PER_SECOND 250
#define BURST 1000

/* One that needs longer is stopped, or systemd is. */
#define RELAY_START_MSEC 10000

/* If it is behind by more than this, the sink skips to the head, unless the rest of the transcript
 * is so short that it will soon be written. So a service that comes back after a night still writes
 * the last output of an agent. */
#define MAX_LAG_USEC (10 * 60 * G_USEC_PER_SEC)
#define MIN_SKIPPED (64u * 1024)

typedef struct {
    RunLog *log;
    LogReader *reader;
    SinkCursors *cursors;
    JournalRun run;
    EventBatch *batch;
    guint next;      /* event of the batch */
    guint64 done;    /* the cursor of the last event written */
    gboolean active; /* it may have more to write */
} Source;

/* An entry that is not an event. */
typedef struct {
    RunLog *log;
    char *unit;
    RunNote what;
} Note;

struct JournalSink {
    Runs *runs;                 /* the main loop's */
    gatomicrefcount references; /* the thread's and the owner's */
    GMutex lock;
    GCond wake;
    GPtrArray *added;  /* Source *, not yet the thread's */
    GPtrArray *notes;  /* Note *, the same */
    GHashTable *woken; /* RunLog *, a set: that have more to read */
    gboolean more, quit, busy;

    /* The thread's own. A thousand runs that say nothing cost nothing. */
    GHashTable *sources; /* RunLog * -> Source *, owned */
    GPtrArray *active;   /* Source * */
    guint turn;          /* of the active source that is next */
    Pace pace;
    JournalWriter *writer;
};

static void source_free(Source *source)
{
    event_batch_unref(source->batch);
    log_reader_free(source->reader);
    if (source->cursors)
        sink_cursors_unref(source->cursors);
    run_log_unref(source->log);
    g_free(source->run.unit);
    g_free(source->run.sandbox);
    g_strfreev(source->run.sandbox_missing);
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
    g_hash_table_unref(sink->woken);
    g_ptr_array_unref(sink->active);
    g_hash_table_unref(sink->sources);
    journal_writer_free(sink->writer);
    g_mutex_clear(&sink->lock);
    g_cond_clear(&sink->wake);
    g_free(sink);
}

/* --- The thread --- */

static void set_done(Source *source, guint64 cursor)
{
    source->done = cursor;
    if (source->cursors)
        sink_cursors_set(source->cursors, SINK_JOURNAL, cursor);
}

static void skip_to_head(JournalWriter *writer, Source *source)
{
    g_clear_pointer(&source->batch, event_batch_unref);
    log_reader_free(source->reader);
    source->reader = log_reader_new_at_head(source->log);
    guint64 head = log_reader_cursor(source->reader);
    journal_send_skipped(writer, run_log_identity(source->log), source->run.unit, source->done,
                         head);
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
        skip_to_head(sink->writer, source);
        event = peek(source);
    }
    if (!event)
        return FALSE;
    journal_send_event(sink->writer, run_log_identity(source->log), &source->run, event);
    if (event_is_last(event))
        fault_point("last-entry");
    set_done(source, event->cursor);
    if (event_is_last(event))
        fault_point("last-entry-kept");
    source->next++;
    pace_take(&sink->pace, 1);
    return TRUE;
}

static void end_turn(JournalSink *sink, Source *source)
{
    source->active = FALSE;
    g_ptr_array_remove_index_fast(sink->active, sink->turn);
    if (log_reader_is_at_end(source->reader))
        g_hash_table_remove(sink->sources, source->log);
}

/* One event of each active source in turn, as long as there are tokens: the next round continues
 * where this one stops, or the same few would get all the tokens. TRUE: there may be more. */
static gboolean write_round(JournalSink *sink)
{
    for (guint left = sink->active->len; left > 0 && pace_has_token(&sink->pace); left--) {
        sink->turn %= sink->active->len;
        Source *source = g_ptr_array_index(sink->active, sink->turn);
        if (write_one(sink, source))
            sink->turn++;
        else
            end_turn(sink, source);
    }
    return sink->active->len > 0;
}

static void activate(JournalSink *sink, Source *source)
{
    if (!source->active)
        g_ptr_array_add(sink->active, source);
    source->active = TRUE;
}

static void take_added(JournalSink *sink)
{
    while (sink->added->len > 0) {
        Source *source = g_ptr_array_steal_index(sink->added, 0);
        g_hash_table_insert(sink->sources, source->log, source);
        activate(sink, source);
    }
}

static void take_woken(JournalSink *sink)
{
    GHashTableIter iter;
    gpointer log;
    g_hash_table_iter_init(&iter, sink->woken);
    while (g_hash_table_iter_next(&iter, &log, NULL)) {
        Source *source = g_hash_table_lookup(sink->sources, log);
        if (source)
            activate(sink, source);
        g_hash_table_iter_remove(&iter);
    }
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
    take_woken(sink);
    sink->more = FALSE;
    return !sink->quit;
}

static void write_notes(JournalSink *sink)
{
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)note_free);
    g_mutex_lock(&sink->lock);
    while (sink->notes->len > 0)
        g_ptr_array_add(notes, g_ptr_array_steal_index(sink->notes, 0));
    g_mutex_unlock(&sink->lock);
    for (guint i = 0; i < notes->len; i++) {
        const Note *note = g_ptr_array_index(notes, i);
        journal_send_note(sink->writer, run_log_identity(note->log), note->unit, note->what);
    }
}

static gpointer run_thread(gpointer data)
{
    JournalSink *sink = data;
    gboolean any = FALSE;
    while (wait_for_work(sink, any)) {
        write_notes(sink);
        pace_refill(&sink->pace);
        any = write_round(sink);
    }
    sink_unref(sink);
    return NULL;
}

/* @log (or NULL) has more to read. */
static void wake(JournalSink *sink, RunLog *log)
{
    g_mutex_lock(&sink->lock);
    if (log)
        g_hash_table_add(sink->woken, run_log_ref(log));
    sink->more = sink->busy = TRUE;
    g_cond_signal(&sink->wake);
    g_mutex_unlock(&sink->lock);
}

void journal_sink_add(JournalSink *sink, RunLog *log, SinkCursors *cursors, const RunRecord *record)
{
    Source *source = g_new0(Source, 1);
    source->log = run_log_ref(log);
    source->cursors = cursors ? sink_cursors_ref(cursors) : NULL;
    source->run = (JournalRun){g_strdup(record->unit), g_strdup(record->sandbox),
                               g_strdupv(record->sandbox_missing)};
    source->done = cursors ? sink_cursors_get(cursors, SINK_JOURNAL) : 0;
    source->reader = log_reader_new_again(log, source->done);
    if (!source->reader) /* an invalid cursor: start over rather than lose events */
        source->reader = log_reader_new(log, 0, NULL);

    g_mutex_lock(&sink->lock);
    g_ptr_array_add(sink->added, source);
    g_mutex_unlock(&sink->lock);
    wake(sink, NULL);
}

static void add_note_of(JournalSink *sink, Run *run, RunNote what)
{
    if (!run_get_log(run))
        return;
    Note *note = g_new0(Note, 1);
    *note = (Note){run_log_ref(run_get_log(run)), g_strdup(run_get_record(run)->unit), what};
    g_mutex_lock(&sink->lock);
    g_ptr_array_add(sink->notes, note);
    g_mutex_unlock(&sink->lock);
    wake(sink, NULL);
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
    g_autoptr(SinkCursors) cursors = run_ref_cursors(run);
    if (log)
        journal_sink_add(sink, log, cursors, run_get_record(run));
}

static void heard(const RunNews *news, gpointer data)
{
    if (news->kind == NEWS_VISIBLE)
        add_run(data, news->run);
    else if (news->kind == NEWS_EVENTS)
        wake(data, run_get_log(news->run));
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
    sink->woken = g_hash_table_new_full(NULL, NULL, (GDestroyNotify)run_log_unref, NULL);
    sink->active = g_ptr_array_new();
    sink->sources = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)source_free);
    sink->writer = journal_writer_new(RELAY_START_MSEC);
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
