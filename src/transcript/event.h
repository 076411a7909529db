/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Events as sinks see them, in batches that own their bytes.
 */

typedef enum {
    EVENT_STATUS,
    EVENT_OUTPUT,
    EVENT_AGENT_JSON,
    EVENT_DONE,
    EVENT_ERROR,
} EventType;

/** "status", "output", ...: a static string. */
const char *event_type_to_string(EventType type);

/** Whose events these are: belongs to the RunLog that outlives them. */
typedef struct {
    char *project_root, *story, *agent, *run_id;
} RunIdentity;

typedef struct {
    EventType type;
    guint64 cursor;
    guint64 time;        /* µs since the epoch */
    const char *text;    /* status: the word. output: the text. agent_json: the object's text.
                            NUL-terminated */
    gsize length;        /* of text */
    const char *shown;   /* output: an overwritten line as a terminal shows it, or NULL */
    guint64 full_length; /* output of a line past 16 MiB: its length; else 0 */
    GVariant *details;   /* done, error, and a terminal status: the own keys, a{sv}; else NULL */
} Event;

/** Whether it is the last one of its run. */
static inline gboolean event_is_last(const Event *event)
{
    return event->type == EVENT_DONE || event->type == EVENT_ERROR ||
           (event->type == EVENT_STATUS && g_str_equal(event->text, "stopped"));
}

/** Past this the `text` or `data` of an event in a signal or a Drain is cut or left out. */
#define EVENT_BUS_MAX (1024u * 1024)

/** A place between two events of a log, as its readers know it: see transcript/reader.h. */
typedef struct {
    guint64 offset;   /* the start of the next line */
    guint64 cursor;   /* of the last event given */
    guint given;      /* events of the line at offset that were given before */
    gboolean inside;  /* offset is inside of its line, whose start is still searched */
    gboolean pending; /* given, ... */
    gboolean running;
    gboolean end;
} LogPlace;

/** EventBatch: consecutive events of one run; immutable once its reader has given it out. */
typedef struct {
    gatomicrefcount references;
    const RunIdentity *identity;
    LogPlace before, after; /* where a reader stands before it and after it */
    GArray *events;         /* of Event */
    GPtrArray *strings;     /* the bytes that the events point to */
    GPtrArray *variants;
    GBytes *ndjson; /* made when first asked for */
} EventBatch;

EventBatch *event_batch_new(const RunIdentity *identity);
EventBatch *event_batch_ref(EventBatch *batch);
void event_batch_unref(EventBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EventBatch, event_batch_unref)

/** @size bytes that live as long as the batch. */
char *event_batch_alloc(EventBatch *batch, gsize size);

/** Adds an event. @text_taken (may be NULL) becomes the batch's. */
void event_batch_add(EventBatch *batch, const Event *event, char *text_taken);

static inline const Event *event_batch_get(const EventBatch *batch, guint i)
{
    return &g_array_index(batch->events, Event, i);
}

/** A status that is not an event of the log and carries the cursor of the event before it: now.
 *  @details are its own keys where it has more than that, or NULL. */
Event event_live_status(guint64 cursor, const char *status, GVariant *details);

/** Where to cut the valid UTF-8 @text so that at most @max bytes stay and no character is split. */
gsize event_cut_length(const char *text, gsize length, gsize max);
