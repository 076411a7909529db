/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <storkit/event.h>

G_BEGIN_DECLS

/**
 * StorkitEventStream:
 *
 * The events of one run from a cursor on, each once and in order, until the run's last one; over
 * any death of the service, whose return it waits for. It reads only while somebody waits for an
 * event: a slow reader delays nobody, misses nothing and costs no memory.
 */
#define STORKIT_TYPE_EVENT_STREAM (storkit_event_stream_get_type())
G_DECLARE_FINAL_TYPE(StorkitEventStream, storkit_event_stream, STORKIT, EVENT_STREAM, GObject)

/**
 * storkit_event_stream_get_run_id:
 * @self: a stream
 *
 * Gets the run whose events these are.
 *
 * Returns: the id of a run
 */
const char *storkit_event_stream_get_run_id(StorkitEventStream *self);

/**
 * storkit_event_stream_get_cursor:
 * @self: a stream
 *
 * Gets where the stream is: just after the event that it has returned last. Another stream from
 * there, today or in ten days, goes on with the next event.
 *
 * Returns: a cursor of its run
 */
guint64 storkit_event_stream_get_cursor(StorkitEventStream *self);

/**
 * storkit_event_stream_next:
 * @self: a stream
 * @cancellable: (nullable): ends the waiting, and loses no event
 * @error: return location for an error
 *
 * Waits for the next event.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_RUN, %STORKIT_ERROR_INVALID_ARGUMENT (a cursor of another run),
 * %STORKIT_ERROR_NO_SERVICE if it is not there at the beginning, %G_IO_ERROR_PENDING if somebody
 * waits already.
 *
 * Returns: (nullable) (transfer full): an event; %NULL with no @error set: the run has no more
 */
StorkitEvent *storkit_event_stream_next(StorkitEventStream *self, GCancellable *cancellable,
                                        GError **error);

/**
 * storkit_event_stream_next_async:
 * @self: a stream
 * @cancellable: (nullable): ends the waiting, and loses no event
 * @callback: (scope async) (closure user_data): called when there is one
 * @user_data: for @callback
 *
 * Waits for the next event; see [method@EventStream.next].
 */
void storkit_event_stream_next_async(StorkitEventStream *self, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_event_stream_next_finish:
 * @self: a stream
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@EventStream.next_async].
 *
 * Returns: (nullable) (transfer full): an event; %NULL with no @error set: the run has no more
 */
StorkitEvent *storkit_event_stream_next_finish(StorkitEventStream *self, GAsyncResult *result,
                                               GError **error);

/**
 * storkit_event_stream_next_events_async:
 * @self: a stream
 * @maximum: how many events at most; 0 for as many as are there
 * @cancellable: (nullable): ends the waiting, and loses no event
 * @callback: (scope async) (closure user_data): called when there are some
 * @user_data: for @callback
 *
 * Waits for the next event and takes those that have come with it: of an agent that prints much,
 * thousands in one turn of the main loop.
 */
void storkit_event_stream_next_events_async(StorkitEventStream *self, guint maximum,
                                            GCancellable *cancellable, GAsyncReadyCallback callback,
                                            gpointer user_data);

/**
 * storkit_event_stream_next_events_finish:
 * @self: a stream
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@EventStream.next_events_async].
 *
 * Returns: (nullable) (transfer full) (element-type StorkitEvent): at least one event; %NULL with
 * no
 *   @error set: the run has no more
 */
GPtrArray *storkit_event_stream_next_events_finish(StorkitEventStream *self, GAsyncResult *result,
                                                   GError **error);

G_END_DECLS
