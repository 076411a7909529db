/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The blocking form of a call that has several steps: a main context of its own, in which nothing
 * else of the program happens.
 *
 *     Loop loop;
 *     loop_begin(&loop);
 *     thing_async(…, loop_on_result, &loop);
 *     thing_finish(…, loop_run(&loop), …);
 *     loop_end(&loop);
 */
typedef struct {
    GMainContext *context;
    GAsyncResult *result;
} Loop;

/** Makes a context, and the default of this thread of it. */
void loop_begin(Loop *loop);

/** A GAsyncReadyCallback whose data is the Loop. */
void loop_on_result(GObject *source, GAsyncResult *result, gpointer data);

/** Runs until there is a result, which belongs to the loop. */
GAsyncResult *loop_run(Loop *loop);

void loop_end(Loop *loop);
