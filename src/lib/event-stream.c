/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/event-stream-internal.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include <storkit/error.h>

#include "base/bus-names.h"
#include "lib/call.h"
#include <storkit/event.h>
#include "lib/loop.h"

#define READ_SIZE (64 * 1024)

struct _StorkitEventStream {
    GObject parent;
    GDBusConnection *bus;
    CallTarget pool;
    char *run_id;
    guint64 cursor;       /* of the event that was returned last */
    guint64 read_cursor;  /* of the one that was read last: where a subscription goes on */
    int fd;               /* of the subscription; -1: there is none */
    GByteArray *rest;     /* read, and not yet a whole line */
    gsize searched;       /* so many bytes of it have no newline */
    GQueue events;        /* read, and not yet returned */
    gboolean over;        /* nothing more is to come after those */
    gboolean had_service; /* so it comes back */
    gboolean waiting;     /* somebody does */
    guint attempts;       /* to subscribe, since an event came */
};

G_DEFINE_FINAL_TYPE(StorkitEventStream, storkit_event_stream, G_TYPE_OBJECT)

/* One who waits. Its task is alive until exactly one of these has been called. */
static void go_on(GTask *task);

/* At most @maximum events, 0: all; NULL where there is none. */
static GPtrArray *take_events(StorkitEventStream *self, guint maximum)
{
    if (g_queue_is_empty(&self->events))
        return NULL;
    GPtrArray *events = g_ptr_array_new_with_free_func(g_object_unref);
    while (!g_queue_is_empty(&self->events) && (maximum == 0 || events->len < maximum)) {
        StorkitEvent *event = g_queue_pop_head(&self->events);
        self->cursor = storkit_event_get_cursor(event);
        g_ptr_array_add(events, event);
    }
    return events;
}

static void end_waiting(GTask *task, GError *error)
{
    StorkitEventStream *self = g_task_get_source_object(task);
    guint maximum = GPOINTER_TO_UINT(g_task_get_task_data(task));
    self->waiting = FALSE;
    if (error)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, take_events(self, maximum), (GDestroyNotify)g_ptr_array_unref);
    g_object_unref(task);
}

static void on_paused(GObject *source, GAsyncResult *result, gpointer data)
{
    GError *error = NULL;
    if (call_pause_finish(result, &error))
        go_on(data);
    else
        end_waiting(data, error);
}

/* Waits for a service that has gone: @absent where it is known not to be there. */
static void pause_waiting(GTask *task, gboolean absent)
{
    StorkitEventStream *self = g_task_get_source_object(task);
    call_pause_async(self->bus, self->attempts++, absent, g_task_get_cancellable(task), on_paused,
                     task);
}

static void on_subscribed(GObject *source, GAsyncResult *result, gpointer data)
{
    StorkitEventStream *self = STORKIT_EVENT_STREAM(source);
    GError *error = NULL;
    self->fd = call_finish_fd(self, result, &error);
    if (self->fd >= 0 && g_unix_set_fd_nonblocking(self->fd, TRUE, &error)) {
        self->had_service = TRUE;
        go_on(data);
    } else if (self->had_service && call_may_be_repeated(error)) {
        pause_waiting(data, g_error_matches(error, STORKIT_ERROR, STORKIT_ERROR_NO_SERVICE));
        g_error_free(error);
    } else {
        end_waiting(data, error);
    }
}

static void subscribe(GTask *task)
{
    StorkitEventStream *self = g_task_get_source_object(task);
    call_async(&self->pool, "SubscribeRun", g_variant_new("(st)", self->run_id, self->read_cursor),
               G_VARIANT_TYPE("(h)"), self, g_task_get_cancellable(task), on_subscribed, task);
}

/* Whether an info is that of a run that has nothing after what was read. */
static gboolean is_over(StorkitEventStream *self, GVariant *reply)
{
    g_autoptr(GVariant) info = g_variant_get_child_value(reply, 0);
    const char *status = "";
    guint64 cursor = 0;
    (void)g_variant_lookup(info, "status", "&s", &status);
    (void)g_variant_lookup(info, "cursor", "t", &cursor);
    gboolean ended = g_str_equal(status, "completed") || g_str_equal(status, "failed");
    return ended && cursor <= self->read_cursor;
}

static void on_info(GObject *source, GAsyncResult *result, gpointer data)
{
    StorkitEventStream *self = STORKIT_EVENT_STREAM(source);
    GError *error = NULL;
    g_autoptr(GVariant) reply = call_finish(self, result, &error);
    if (!reply && !call_may_be_repeated(error)) {
        end_waiting(data, error);
        return;
    }
    self->over = reply && is_over(self, reply);
    if (self->over)
        go_on(data);
    else
        pause_waiting(data, g_error_matches(error, STORKIT_ERROR, STORKIT_ERROR_NO_SERVICE));
    g_clear_error(&error);
}

/* Either the service has gone, or the run had ended at the cursor that was subscribed from. */
static void ask_whether_over(GTask *task)
{
    StorkitEventStream *self = g_task_get_source_object(task);
    call_async(&self->pool, "GetRun", g_variant_new("(s)", self->run_id), G_VARIANT_TYPE("(a{sv})"),
               self, g_task_get_cancellable(task), on_info, task);
}

static void close_fd(StorkitEventStream *self)
{
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    g_byte_array_set_size(self->rest, 0);
    self->searched = 0;
}

static gboolean take_line(StorkitEventStream *self, const char *line, gsize length)
{
    StorkitEvent *event = storkit_event_new(line, length);
    if (!event)
        return FALSE;
    self->read_cursor = storkit_event_get_cursor(event);
    self->over = storkit_event_get_last(event);
    self->attempts = 0;
    g_queue_push_tail(&self->events, event);
    return TRUE;
}

/* Takes the whole lines out of what was read. */
static gboolean take_lines(StorkitEventStream *self)
{
    const char *bytes = (const char *)self->rest->data;
    const char *newline;
    gsize start = 0;
    while ((newline = memchr(bytes + self->searched, '\n', self->rest->len - self->searched))) {
        gsize end = (gsize)(newline - bytes);
        if (!take_line(self, bytes + start, end - start))
            return FALSE;
        start = self->searched = end + 1;
    }
    if (start > 0)
        g_byte_array_remove_range(self->rest, 0, (guint)start);
    self->searched = self->rest->len;
    return TRUE;
}

static gssize read_some(StorkitEventStream *self)
{
    guint had = self->rest->len;
    gssize n;
    g_byte_array_set_size(self->rest, had + READ_SIZE);
    do {
        n = read(self->fd, self->rest->data + had, READ_SIZE);
    } while (n < 0 && errno == EINTR);
    g_byte_array_set_size(self->rest, had + (guint)MAX(n, 0));
    return n;
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer data)
{
    go_on(data);
    return G_SOURCE_REMOVE;
}

static void wait_for_bytes(GTask *task)
{
    StorkitEventStream *self = g_task_get_source_object(task);
    g_autoptr(GSource) source = g_unix_fd_source_new(self->fd, G_IO_IN);
    if (g_task_get_cancellable(task)) {
        g_autoptr(GSource) cancelled = g_cancellable_source_new(g_task_get_cancellable(task));
        g_source_set_dummy_callback(cancelled);
        g_source_add_child_source(source, cancelled);
    }
    g_source_set_callback(source, G_SOURCE_FUNC(on_readable), task, NULL);
    g_source_attach(source, g_task_get_context(task));
}

static GError *not_valid(StorkitEventStream *self)
{
    return g_error_new(G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       "the service's event after cursor %" G_GUINT64_FORMAT
                       " of %s is not a JSON object",
                       self->read_cursor, self->run_id);
}

static void read_events(GTask *task)
{
    StorkitEventStream *self = g_task_get_source_object(task);
    gboolean valid = TRUE;
    gssize n = 1;
    while (valid && n > 0 && g_queue_is_empty(&self->events)) {
        n = read_some(self);
        valid = n <= 0 || take_lines(self);
    }
    if (n < 0 && errno == EAGAIN) {
        wait_for_bytes(task);
        return;
    }
    if (!valid || n <= 0 || self->over)
        close_fd(self);
    if (!valid)
        end_waiting(task, not_valid(self));
    else if (n <= 0)
        ask_whether_over(task);
    else
        go_on(task);
}

static void go_on(GTask *task)
{
    StorkitEventStream *self = g_task_get_source_object(task);
    GError *error = NULL;
    if (g_cancellable_set_error_if_cancelled(g_task_get_cancellable(task), &error))
        end_waiting(task, error);
    else if (self->over || !g_queue_is_empty(&self->events))
        end_waiting(task, NULL);
    else if (self->fd < 0)
        subscribe(task);
    else
        read_events(task);
}

/* Waits until there is an event, or none is to come. */
static void fill_async(StorkitEventStream *self, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data, guint maximum)
{
    GTask *task = g_task_new(self, cancellable, callback, data);
    /* What was read stays in the stream until it is taken: a cancelled wait loses nothing. */
    g_task_set_check_cancellable(task, FALSE);
    g_task_set_task_data(task, GUINT_TO_POINTER(maximum), NULL);
    if (self->waiting) {
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_PENDING,
                                "somebody waits for the next event of %s already", self->run_id);
        g_object_unref(task);
        return;
    }
    self->waiting = TRUE;
    go_on(task);
}

void storkit_event_stream_next_async(StorkitEventStream *self, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(STORKIT_IS_EVENT_STREAM(self));
    fill_async(self, cancellable, callback, user_data, 1);
}

StorkitEvent *storkit_event_stream_next_finish(StorkitEventStream *self, GAsyncResult *result,
                                               GError **error)
{
    g_return_val_if_fail(STORKIT_IS_EVENT_STREAM(self) && g_task_is_valid(result, self), NULL);
    g_autoptr(GPtrArray) events = g_task_propagate_pointer(G_TASK(result), error);
    return events ? g_object_ref(events->pdata[0]) : NULL;
}

StorkitEvent *storkit_event_stream_next(StorkitEventStream *self, GCancellable *cancellable,
                                        GError **error)
{
    g_return_val_if_fail(STORKIT_IS_EVENT_STREAM(self), NULL);
    Loop loop;
    loop_begin(&loop);
    storkit_event_stream_next_async(self, cancellable, loop_on_result, &loop);
    StorkitEvent *event = storkit_event_stream_next_finish(self, loop_run(&loop), error);
    loop_end(&loop);
    return event;
}

void storkit_event_stream_next_events_async(StorkitEventStream *self, guint maximum,
                                            GCancellable *cancellable, GAsyncReadyCallback callback,
                                            gpointer user_data)
{
    g_return_if_fail(STORKIT_IS_EVENT_STREAM(self));
    fill_async(self, cancellable, callback, user_data, maximum);
}

GPtrArray *storkit_event_stream_next_events_finish(StorkitEventStream *self, GAsyncResult *result,
                                                   GError **error)
{
    g_return_val_if_fail(STORKIT_IS_EVENT_STREAM(self) && g_task_is_valid(result, self), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

const char *storkit_event_stream_get_run_id(StorkitEventStream *self)
{
    g_return_val_if_fail(STORKIT_IS_EVENT_STREAM(self), NULL);
    return self->run_id;
}

guint64 storkit_event_stream_get_cursor(StorkitEventStream *self)
{
    g_return_val_if_fail(STORKIT_IS_EVENT_STREAM(self), 0);
    return self->cursor;
}

StorkitEventStream *storkit_event_stream_new(GDBusConnection *bus, gboolean no_auto_start,
                                             const char *run_id, guint64 cursor)
{
    StorkitEventStream *self = g_object_new(STORKIT_TYPE_EVENT_STREAM, NULL);
    g_set_object(&self->bus, bus);
    self->pool = (CallTarget){bus, STORKIT_OBJECT_PATH, STORKIT_INTERFACE, no_auto_start};
    self->run_id = g_strdup(run_id);
    self->cursor = self->read_cursor = cursor;
    return self;
}

static void storkit_event_stream_finalize(GObject *object)
{
    StorkitEventStream *self = STORKIT_EVENT_STREAM(object);
    close_fd(self);
    g_byte_array_unref(self->rest);
    g_queue_clear_full(&self->events, g_object_unref);
    g_free(self->run_id);
    g_clear_object(&self->bus);
    G_OBJECT_CLASS(storkit_event_stream_parent_class)->finalize(object);
}

static void storkit_event_stream_class_init(StorkitEventStreamClass *class)
{
    G_OBJECT_CLASS(class)->finalize = storkit_event_stream_finalize;
}

static void storkit_event_stream_init(StorkitEventStream *self)
{
    self->fd = -1;
    self->rest = g_byte_array_new();
    g_queue_init(&self->events);
}
