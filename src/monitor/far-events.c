/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/far-events.h"

#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>

#include "monitor/command.h"
#include "monitor/far-run.h"

/* Between the end of a connection and the next one, in seconds. */
#define FIRST_PAUSE 2
#define LONGEST_PAUSE 60

#define STATUS_UNREACHABLE 6 /* of storkitctl: ssh has failed */

struct _FarEvents {
    GObject parent;
    StorkitRun *run;
    GSubprocess *process; /* NULL: there is none now */
    GDataInputStream *output;
    guint64 cursor; /* of the last event that was taken; 0: there was none */
    gboolean last;  /* it was the run's last one */
    guint pause;    /* the last one; 0: there was none since the last event */
    guint most;     /* of the call that waits */
};

G_DEFINE_FINAL_TYPE(FarEvents, far_events, G_TYPE_OBJECT)

static void go_on(GTask *task);

/* --- The program --- */

static gboolean spawn(FarEvents *self, GError **error)
{
    const char *const arguments[] = {"--json", "watch", storkit_run_get_run_id(self->run), NULL};
    g_auto(GStrv) argv = command_words(self->run, arguments);
    self->process = g_subprocess_newv(
        (const char *const *)argv,
        G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, error);
    if (!self->process)
        return FALSE;
    self->output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(self->process));
    return TRUE;
}

void far_events_close(FarEvents *self)
{
    if (self->process)
        g_subprocess_send_signal(self->process, SIGTERM);
    g_clear_object(&self->process);
    g_clear_object(&self->output);
}

/* --- Lines --- */

/* One that was read before is told again by another program. */
static void take_line(FarEvents *self, GPtrArray *taken, const char *line)
{
    g_autoptr(StorkitEvent) event = storkit_event_new(line, strlen(line));
    guint64 cursor = event ? storkit_event_get_cursor(event) : 0;
    if (!event || (cursor > 0 && cursor <= self->cursor))
        return;
    self->cursor = MAX(self->cursor, cursor);
    self->last |= storkit_event_get_last(event);
    self->pause = 0;
    g_ptr_array_add(taken, g_steal_pointer(&event));
}

static gboolean has_line(FarEvents *self)
{
    gsize length;
    const char *bytes =
        g_buffered_input_stream_peek_buffer(G_BUFFERED_INPUT_STREAM(self->output), &length);
    return length > 0 && memchr(bytes, '\n', length);
}

/* What has been read already: nothing blocks. */
static void take_more(FarEvents *self, GPtrArray *taken)
{
    while (taken->len < self->most && has_line(self)) {
        g_autofree char *line = g_data_input_stream_read_line(self->output, NULL, NULL, NULL);
        if (line)
            take_line(self, taken, line);
    }
}

/* --- The end of the program --- */

static gboolean on_pause_over(gpointer data)
{
    go_on(g_object_ref(data));
    return G_SOURCE_REMOVE;
}

static void try_later(FarEvents *self, GTask *task)
{
    self->pause = CLAMP(self->pause * 2, FIRST_PAUSE, LONGEST_PAUSE);
    g_timeout_add_seconds_full(G_PRIORITY_DEFAULT, self->pause, on_pause_over, g_object_ref(task),
                               g_object_unref);
}

static int status_of(GSubprocess *process)
{
    return g_subprocess_get_if_exited(process) ? g_subprocess_get_exit_status(process) : -1;
}

static void on_ended(GObject *process, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    FarEvents *self = g_task_get_source_object(task);
    gboolean ended = g_subprocess_wait_finish(G_SUBPROCESS(process), result, NULL);
    if (g_task_return_error_if_cancelled(task))
        return;
    int status = ended ? status_of(G_SUBPROCESS(process)) : -1;
    far_events_close(self);
    if (status == STATUS_UNREACHABLE)
        try_later(self, task);
    else if (self->last || status == 0)
        g_task_return_pointer(task, NULL, NULL);
    else
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_FAILED,
                                _("%s tells no more of this run"), far_run_get_host(self->run));
}

static void on_line(GObject *output, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    FarEvents *self = g_task_get_source_object(task);
    g_autofree char *line =
        g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(output), result, NULL, NULL);
    if (g_task_return_error_if_cancelled(task))
        return;
    if (!line) {
        g_subprocess_wait_async(self->process, g_task_get_cancellable(task), on_ended,
                                g_object_ref(task));
        return;
    }
    g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_object_unref);
    take_line(self, taken, line);
    take_more(self, taken);
    if (taken->len > 0)
        g_task_return_pointer(task, g_steal_pointer(&taken), (GDestroyNotify)g_ptr_array_unref);
    else
        go_on(g_steal_pointer(&task));
}

/* Takes @task. */
static void go_on(GTask *task)
{
    g_autoptr(GTask) owned = task;
    FarEvents *self = g_task_get_source_object(task);
    GError *error = NULL;
    if (g_task_return_error_if_cancelled(task))
        return;
    if (!self->process && !spawn(self, &error))
        g_task_return_error(task, error);
    else
        g_data_input_stream_read_line_async(self->output, G_PRIORITY_DEFAULT,
                                            g_task_get_cancellable(task), on_line,
                                            g_steal_pointer(&owned));
}

/* --- The object --- */

void far_events_next_async(FarEvents *self, guint most, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(self, cancellable, callback, data);
    self->most = most;
    if (!self->last) {
        go_on(task);
        return;
    }
    g_task_return_pointer(task, NULL, NULL);
    g_object_unref(task);
}

GPtrArray *far_events_next_finish(FarEvents *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

FarEvents *far_events_new(StorkitRun *run)
{
    FarEvents *self = g_object_new(FAR_TYPE_EVENTS, NULL);
    self->run = g_object_ref(run);
    return self;
}

static void far_events_finalize(GObject *object)
{
    FarEvents *self = FAR_EVENTS(object);
    far_events_close(self);
    g_clear_object(&self->run);
    G_OBJECT_CLASS(far_events_parent_class)->finalize(object);
}

static void far_events_class_init(FarEventsClass *class)
{
    G_OBJECT_CLASS(class)->finalize = far_events_finalize;
}

static void far_events_init(FarEvents *self)
{
}
