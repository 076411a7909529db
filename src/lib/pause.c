/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/call.h"

#include "base/bus-names.h"

#define FIRST_PAUSE_MS 50
#define LONGEST_PAUSE_MS 2000

/* A pause on its way; the task owns it. Its sources are in the context that it began in. */
typedef struct {
    GDBusConnection *bus;
    gboolean absent;
    guint watch;
    GSource *timer, *cancelled;
} Pause;

static void clear_source(GSource **source)
{
    if (*source)
        g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}

static void pause_stop(Pause *pause)
{
    g_clear_handle_id(&pause->watch, g_bus_unwatch_name);
    clear_source(&pause->timer);
    clear_source(&pause->cancelled);
}

static void pause_free(gpointer data)
{
    Pause *pause = data;
    pause_stop(pause);
    g_object_unref(pause->bus);
    g_free(pause);
}

/* The task, whose reference was that of the sources, is over. */
static void end(GTask *task)
{
    pause_stop(g_task_get_task_data(task));
    if (!g_task_return_error_if_cancelled(task))
        g_task_return_boolean(task, TRUE);
    g_object_unref(task);
}

static void on_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
    end(data);
}

static gboolean on_time(gpointer data)
{
    GTask *task = data;
    Pause *pause = g_task_get_task_data(task);
    if (pause->absent)
        pause->watch = g_bus_watch_name_on_connection(pause->bus, STORKIT_BUS_NAME,
                                                      G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
                                                      NULL, task, NULL);
    else
        end(task);
    return G_SOURCE_REMOVE;
}

static gboolean on_cancelled(GCancellable *cancellable, gpointer data)
{
    end(data);
    return G_SOURCE_REMOVE;
}

static guint pause_length(guint attempt)
{
    return attempt == 0 ? 0 : MIN(FIRST_PAUSE_MS << MIN(attempt, 10), LONGEST_PAUSE_MS);
}

static GSource *attach(GSource *source, GSourceFunc func, GTask *task)
{
    g_source_set_callback(source, func, task, NULL);
    g_source_attach(source, g_task_get_context(task));
    return source;
}

void call_pause_async(GDBusConnection *bus, guint attempt, gboolean absent,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(NULL, cancellable, callback, data);
    Pause *pause = g_new0(Pause, 1);
    pause->bus = g_object_ref(bus);
    pause->absent = absent;
    g_task_set_task_data(task, pause, pause_free);
    pause->timer = attach(g_timeout_source_new(pause_length(attempt)), on_time, task);
    if (cancellable)
        pause->cancelled =
            attach(g_cancellable_source_new(cancellable), G_SOURCE_FUNC(on_cancelled), task);
}

gboolean call_pause_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}
