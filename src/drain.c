/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drain.h"

#include "log-reader.h"

#define MAX_BYTES (8u * 1024 * 1024)

/* One run's position. */
typedef struct {
    LogReader *reader; /* NULL: to be opened behind @given */
    guint64 given;     /* the last cursor that was returned */
} Position;

struct Drains {
    GHashTable *positions; /* char *run_id -> Position * */
};

static void position_free(Position *position)
{
    log_reader_free(position->reader);
    g_free(position);
}

Drains *drains_new(void)
{
    Drains *drains = g_new0(Drains, 1);
    drains->positions =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)position_free);
    return drains;
}

void drains_free(Drains *drains)
{
    if (!drains)
        return;
    g_hash_table_unref(drains->positions);
    g_free(drains);
}

static LogReader *open_reader(Run *run, guint64 cursor, GError **error)
{
    g_autoptr(RunLog) log = run_open_log(run, error);
    return log ? log_reader_new(log, cursor, error) : NULL;
}

static Position *get_position(Drains *drains, Run *run, GError **error)
{
    const char *run_id = run->record->run_id;
    Position *position = g_hash_table_lookup(drains->positions, run_id);
    if (!position) {
        position = g_new0(Position, 1);
        position->given = run->cursors ? sink_cursors_get(run->cursors, SINK_DRAIN) : 0;
        g_hash_table_insert(drains->positions, g_strdup(run_id), position);
    }
    if (!position->reader)
        position->reader = open_reader(run, position->given, error);
    return position->reader ? position : NULL;
}

typedef struct {
    GVariantBuilder texts;
    gsize bytes;
} Answer;

/* Adds the events of @batch to @answer; FALSE: as many as there is room for. */
static gboolean add_batch(Answer *answer, const EventBatch *batch, Position *position)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < batch->events->len; i++) {
        const Event *event = event_batch_get(batch, i);
        g_string_truncate(text, 0);
        event_append_json(text, batch->identity, event, EVENT_BUS_MAX);
        if (answer->bytes > 0 && answer->bytes + text->len > MAX_BYTES)
            return FALSE;
        g_variant_builder_add(&answer->texts, "s", text->str);
        answer->bytes += text->len;
        position->given = event->cursor;
    }
    return TRUE;
}

GVariant *drains_take(Drains *drains, Run *run, GError **error)
{
    Position *position = get_position(drains, run, error);
    if (!position)
        return NULL;
    if (run->cursors)
        sink_cursors_set(run->cursors, SINK_DRAIN, position->given);

    Answer answer = {.bytes = 0};
    gboolean room = TRUE;
    g_variant_builder_init(&answer.texts, G_VARIANT_TYPE_STRING_ARRAY);
    while (room) {
        g_autoptr(EventBatch) batch = log_reader_read(position->reader, NULL);
        if (!batch)
            break;
        room = add_batch(&answer, batch, position);
    }
    if (!room) /* the next call reads the rest of the batch again: nothing is kept for it */
        g_clear_pointer(&position->reader, log_reader_free);
    else if (answer.bytes == 0 && log_reader_is_at_end(position->reader))
        g_hash_table_remove(drains->positions, run->record->run_id); /* its cursor is kept */
    return g_variant_builder_end(&answer.texts);
}

void drains_forget(Drains *drains, const Run *run)
{
    g_hash_table_remove(drains->positions, run->record->run_id);
}
