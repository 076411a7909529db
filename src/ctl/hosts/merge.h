/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Lines of several sources, each in the order of its time, as one: a line is held until every other
 * source has a later one or has been quiet for as long as is expected of it. On GLib's default main
 * context.
 */

typedef struct Merge Merge;
typedef struct MergeSource MergeSource;

typedef struct {
    /** The next line of all, of @source's @owner. Takes no ownership. */
    void (*line)(const char *line, gsize length, gpointer owner, gpointer data);
    /** A source that is too far ahead should give no lines for a while. */
    void (*hold)(gpointer owner, gboolean held);
} MergeHandler;

/** Caller: merge_free(), after its sources. */
Merge *merge_new(const MergeHandler *handler, gpointer data);
void merge_free(Merge *merge);

/** A source that may give a line at any time. Its lines come out with @owner. */
MergeSource *merge_add(Merge *merge, gpointer owner);

/** Takes the next line of @source, of @time in µs since the epoch. */
void merge_push(MergeSource *source, guint64 time, const char *line, gsize length);

/** From now on the others wait for a line of @source, for up to @usec since its last one. */
void merge_expect(MergeSource *source, gint64 usec);

/** @source gives no lines for now, and nobody waits, which is so at first too. What it gave still
 *  comes out. */
void merge_close(MergeSource *source);

/** Lets out all that is held. */
void merge_flush(Merge *merge);
