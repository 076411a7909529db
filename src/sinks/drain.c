/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sinks/drain.h"

#include "base/error.h"
#include "base/test-hooks.h"
#include "transcript/event-json.h"
#include "transcript/reader.h"

#define MAX_BYTES (8u * 1024 * 1024)

/* How much is read in one turn of the loop; each batch is 64 KiB or one line. */
#define TURN_BATCHES 4

typedef struct {
    Reply reply;
    gpointer data;
} Call;

/* One run's position, and the callers waiting for the events after it. */
typedef struct {
    Drains *drains;
    Run *run;
    SinkCursors *cursors; /* or NULL */
    LogReader *reader;    /* NULL: to be opened after @given */
    guint64 given;        /* the last cursor that was returned */
    GQueue calls;         /* Call *; the first one's answer: */
    GVariantBuilder texts;
    gsize bytes;
    guint source;
} Position;

struct Drains {
    Runs *runs;
    GHashTable *positions; /* char *run_id -> Position * */
};

static void position_free(Position *position)
{
    if (position->calls.length > 0)
        g_variant_builder_clear(&position->texts);
    g_clear_handle_id(&position->source, g_source_remove);
    g_queue_clear_full(&position->calls, g_free);
    log_reader_free(position->reader);
    sink_cursors_unref(position->cursors);
    run_unref(position->run);
    g_free(position);
}

/* --- Reading --- */

static gboolean open_reader(Position *position, GError **error)
{
    if (position->reader)
        return TRUE;
    g_autoptr(RunLog) log = run_open_log(position->run, error);
    if (!log)
        return FALSE;
    position->reader = log_reader_new(log, position->given, NULL);
    if (!position->reader) /* an invalid cursor: start over rather than lose events */
        position->reader = log_reader_new(log, 0, error);
    return position->reader != NULL;
}

/* Adds the events of @batch to the answer; FALSE: as many as there is room for. */
static gboolean add_batch(Position *position, const EventBatch *batch)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < batch->events->len; i++) {
        const Event *event = event_batch_get(batch, i);
        g_string_truncate(text, 0);
        event_append_json(text, batch->identity, event, EVENT_BUS_MAX);
        if (position->bytes > 0 && position->bytes + text->len > MAX_BYTES)
            return FALSE;
        g_variant_builder_add(&position->texts, "s", text->str);
        position->bytes += text->len;
        position->given = event->cursor;
    }
    return TRUE;
}

/* One turn. FALSE: the answer is as long as it gets. */
static gboolean read_more(Position *position)
{
    for (guint i = 0; i < TURN_BATCHES; i++) {
        g_autoptr(EventBatch) batch = log_reader_decode(position->reader, NULL);
        if (!batch)
            return FALSE;
        if (!add_batch(position, batch)) {
            /* The next call reads the rest of the batch again: nothing is kept for it. */
            g_clear_pointer(&position->reader, log_reader_free);
            return FALSE;
        }
    }
    return TRUE;
}

/* --- Answering --- */

static gboolean on_turn(gpointer user_data);

/* The events given so far have arrived. */
static void keep_given(const Position *position)
{
    if (position->cursors)
        sink_cursors_set(position->cursors, SINK_DRAIN, position->given);
}

static void begin(Position *position)
{
    keep_given(position);
    g_variant_builder_init(&position->texts, G_VARIANT_TYPE_STRING_ARRAY);
    position->bytes = 0;
    position->source = g_idle_add(on_turn, position);
}

static void answer(Position *position, GVariant *texts, const GError *error)
{
    g_autofree Call *call = g_queue_pop_head(&position->calls);
    call->reply(texts, error, call->data);
}

static void finish(Position *position, const GError *error)
{
    g_autoptr(GVariant) texts = g_variant_ref_sink(g_variant_builder_end(&position->texts));
    gboolean at_end = position->reader && log_reader_is_at_end(position->reader);
    if (at_end)
        fault_point("last-drain");
    answer(position, error ? NULL : texts, error);
    if (at_end)
        fault_point("last-drain-answered");
    if (position->calls.length > 0)
        begin(position);
    else if (position->bytes == 0 && at_end)
        g_hash_table_remove(position->drains->positions, run_get_id(position->run));
}

static gboolean on_turn(gpointer user_data)
{
    Position *position = user_data;
    g_autoptr(GError) error = NULL;
    if (open_reader(position, &error) && read_more(position))
        return G_SOURCE_CONTINUE;
    position->source = 0;
    finish(position, error);
    return G_SOURCE_REMOVE;
}

static Position *get_position(Drains *drains, Run *run)
{
    const char *run_id = run_get_id(run);
    Position *position = g_hash_table_lookup(drains->positions, run_id);
    if (position)
        return position;
    position = g_new0(Position, 1);
    position->drains = drains;
    position->run = run_ref(run);
    position->cursors = run_ref_cursors(run);
    position->given = position->cursors ? sink_cursors_get(position->cursors, SINK_DRAIN) : 0;
    g_hash_table_insert(drains->positions, g_strdup(run_id), position);
    return position;
}

void drains_take(Drains *drains, Run *run, Reply reply, gpointer data)
{
    Position *position = get_position(drains, run);
    Call *call = g_new0(Call, 1);
    *call = (Call){reply, data};
    g_queue_push_tail(&position->calls, call);
    if (position->calls.length == 1)
        begin(position);
}

/* --- Giving up; life and end --- */

static void refuse(Position *position, int code, const char *why)
{
    g_autoptr(GError) error = g_error_new_literal(STORKIT_ERROR, code, why);
    if (position->calls.length > 0)
        g_variant_builder_clear(&position->texts);
    while (position->calls.length > 0)
        answer(position, NULL, error);
}

/* The run has left the list: nobody can drain it. */
static void forget(Drains *drains, const Run *run)
{
    Position *position = g_hash_table_lookup(drains->positions, run_get_id(run));
    if (!position)
        return;
    refuse(position, STORKIT_ERROR_NO_SUCH_RUN,
           "the run left the list while its events were being read: SubscribeRun still "
           "returns them");
    g_hash_table_remove(drains->positions, run_get_id(run));
}

static void heard(const RunNews *news, gpointer data)
{
    Drains *drains = data;
    if (news->kind == NEWS_CHANGED && !runs_is_listed(drains->runs, news->run))
        forget(drains, news->run);
}

Drains *drains_new(Runs *runs)
{
    Drains *drains = g_new0(Drains, 1);
    drains->runs = runs;
    drains->positions =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)position_free);
    runs_add_listener(runs, heard, drains);
    return drains;
}

void drains_free(Drains *drains)
{
    if (!drains)
        return;
    runs_remove_listener(drains->runs, drains);
    GHashTableIter iter;
    Position *position;
    g_hash_table_iter_init(&iter, drains->positions);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&position)) {
        /* Of a call under way, the answer is given again. */
        if (position->calls.length == 0)
            keep_given(position);
        refuse(position, STORKIT_ERROR_SHUTTING_DOWN,
               "the service is shutting down: the same call returns the same events again");
    }
    g_hash_table_unref(drains->positions);
    g_free(drains);
}
