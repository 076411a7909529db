/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/merge.h"

/* How many lines of one source wait for those of another. */
#define MOST_HELD 1000

typedef struct {
    guint64 time;
    gsize length;
    char *text;
} Line;

struct MergeSource {
    Merge *merge;
    gpointer owner;
    GQueue lines;    /* of Line */
    gint64 patience; /* for how long the others wait for a line of it; 0: it is closed */
    gint64 end;      /* monotonic: of that time */
    gboolean held;
};

struct Merge {
    const MergeHandler *handler;
    gpointer data;
    GPtrArray *sources;
    guint timer;
};

static void line_free(gpointer data)
{
    g_free(((Line *)data)->text);
    g_free(data);
}

static void source_free(gpointer data)
{
    MergeSource *source = data;
    g_queue_clear_full(&source->lines, line_free);
    g_free(source);
}

Merge *merge_new(const MergeHandler *handler, gpointer data)
{
    Merge *merge = g_new(Merge, 1);
    *merge = (Merge){
        .handler = handler,
        .data = data,
        .sources = g_ptr_array_new_with_free_func(source_free),
    };
    return merge;
}

void merge_free(Merge *merge)
{
    g_clear_handle_id(&merge->timer, g_source_remove);
    g_ptr_array_unref(merge->sources);
    g_free(merge);
}

MergeSource *merge_add(Merge *merge, gpointer owner)
{
    MergeSource *source = g_new(MergeSource, 1);
    *source = (MergeSource){.merge = merge, .owner = owner, .lines = G_QUEUE_INIT};
    g_ptr_array_add(merge->sources, source);
    return source;
}

static void hold(MergeSource *source, gboolean held)
{
    if (source->held != held) {
        source->held = held;
        source->merge->handler->hold(source->owner, held);
    }
}

/* The source whose next line is the earliest of all; NULL: there is no line. */
static MergeSource *earliest(const Merge *merge)
{
    MergeSource *first = NULL;
    guint64 first_time = 0;
    for (guint i = 0; i < merge->sources->len; i++) {
        MergeSource *source = merge->sources->pdata[i];
        const Line *line = g_queue_peek_head(&source->lines);
        if (line && (!first || line->time < first_time)) {
            first = source;
            first_time = line->time;
        }
    }
    return first;
}

/* The moment until which a source without a line may still give an earlier one. */
static gint64 end_of_waiting(const Merge *merge)
{
    gint64 end = 0;
    for (guint i = 0; i < merge->sources->len; i++) {
        MergeSource *source = merge->sources->pdata[i];
        if (g_queue_is_empty(&source->lines))
            end = MAX(end, source->end);
    }
    return end;
}

static void let_out(MergeSource *source)
{
    Merge *merge = source->merge;
    Line *line = g_queue_pop_head(&source->lines);
    if (g_queue_get_length(&source->lines) < MOST_HELD / 2)
        hold(source, FALSE);
    merge->handler->line(line->text, line->length, source->owner, merge->data);
    line_free(line);
}

static gboolean on_timer(gpointer data);

static void advance(Merge *merge)
{
    MergeSource *source;
    g_clear_handle_id(&merge->timer, g_source_remove);
    while ((source = earliest(merge))) {
        gint64 left = end_of_waiting(merge) - g_get_monotonic_time();
        if (left > 0) {
            merge->timer =
                g_timeout_add((guint)(left / G_TIME_SPAN_MILLISECOND) + 1, on_timer, merge);
            return;
        }
        let_out(source);
    }
}

static gboolean on_timer(gpointer data)
{
    Merge *merge = data;
    merge->timer = 0;
    advance(merge);
    return G_SOURCE_REMOVE;
}

void merge_push(MergeSource *source, guint64 time, const char *line, gsize length)
{
    Line *kept = g_new(Line, 1);
    *kept = (Line){.time = time, .length = length, .text = g_strndup(line, length)};
    g_queue_push_tail(&source->lines, kept);
    source->end = g_get_monotonic_time() + source->patience;
    if (g_queue_get_length(&source->lines) >= MOST_HELD)
        hold(source, TRUE);
    advance(source->merge);
}

void merge_expect(MergeSource *source, gint64 usec)
{
    source->patience = usec;
    source->end = g_get_monotonic_time() + usec;
    advance(source->merge);
}

void merge_close(MergeSource *source)
{
    source->patience = 0;
    source->end = 0;
    advance(source->merge);
}

void merge_flush(Merge *merge)
{
    MergeSource *source;
    while ((source = earliest(merge)))
        let_out(source);
}
