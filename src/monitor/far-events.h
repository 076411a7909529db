/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/storkit.h>

/*
 * The events of a run of another machine, each once: a `storkitctl watch` tells them, and another
 * one where the connection was cut. It is read only when it is asked for more.
 */

#define FAR_TYPE_EVENTS (far_events_get_type())
G_DECLARE_FINAL_TYPE(FarEvents, far_events, FAR, EVENTS, GObject)

/** Begins with the first event of @run. Caller: far_events_close(), g_object_unref(). */
FarEvents *far_events_new(StorkitRun *run);

/** Ends the program. A call that waits has to be cancelled before. */
void far_events_close(FarEvents *self);

/** Waits for an event, and takes those that have come with it, @most at most. */
void far_events_next_async(FarEvents *self, guint most, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer data);

/** A GPtrArray of StorkitEvent; NULL without @error after the last one. Caller:
 *  g_ptr_array_unref(). */
GPtrArray *far_events_next_finish(FarEvents *self, GAsyncResult *result, GError **error);
