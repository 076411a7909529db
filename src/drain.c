/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drain.h"

#include "log-reader.h"

#define MAX_BYTES (8u * 1024 * 1024)

/* One run's position: what comes next, which may be the middle of a batch. */
typedef struct {
    LogReader *reader;
    EventBatch *batch;
    guint next;
    guint64 given; /* the last cursor that was returned */
} Position;

struct Drains {
    GHashTable *positions; /* char *run_id -> Position * */
};

static void position_free(Position *position)
{
    event_batch_unref(position->batch);
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

static Position *get_position(Drains *drains, Run *run, GError **error)
{
    const char *run_id = run->record->run_id;
    Position *position = g_hash_table_lookup(drains->positions, run_id);
    if (position)
        return position;

    g_autoptr(RunLog) log = run_open_log(run, error);
    guint64 cursor = run->cursors ? sink_cursors_get(run->cursors, SINK_DRAIN) : 0;
    LogReader *reader = log ? log_reader_new(log, cursor, error) : NULL;
    if (!reader)
        return NULL;
    position = g_new0(Position, 1);
    position->reader = reader;
    position->given = cursor;
    g_hash_table_insert(drains->positions, g_strdup(run_id), position);
    return position;
}

static const Event *peek(Position *position)
{
    if (position->batch && position->next < position->batch->events->len)
        return event_batch_get(position->batch, position->next);
    g_clear_pointer(&position->batch, event_batch_unref);
    position->batch = log_reader_read(position->reader, NULL);
    position->next = 0;
    return position->batch ? event_batch_get(position->batch, 0) : NULL;
}

GVariant *drains_take(Drains *drains, Run *run, GError **error)
{
    Position *position = get_position(drains, run, error);
    if (!position)
        return NULL;
    if (run->cursors)
        sink_cursors_set(run->cursors, SINK_DRAIN, position->given);

    GVariantBuilder builder;
    guint64 before = position->given;
    g_variant_builder_init(&builder, G_VARIANT_TYPE_STRING_ARRAY);
    g_autoptr(GString) text = g_string_new(NULL);
    const Event *event;
    for (gsize bytes = 0; (event = peek(position)); bytes += text->len) {
        g_string_truncate(text, 0);
        event_append_json(text, position->batch->identity, event, EVENT_BUS_MAX);
        if (bytes > 0 && bytes + text->len > MAX_BYTES)
            break;
        g_variant_builder_add(&builder, "s", text->str);
        position->given = event->cursor;
        position->next++;
    }
    if (position->given == before && log_reader_is_at_end(position->reader))
        g_hash_table_remove(drains->positions, run->record->run_id); /* its cursor is kept */
    return g_variant_builder_end(&builder);
}
