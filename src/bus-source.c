/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-source.h"

#include <poll.h>

/*
 * Straight over sd-bus rather than by way of sd-event: the published glue between sd-event and GLib
 * has a race (systemd PR 43098). What sd-bus waits for may change with every message, so both
 * sd_bus_get_events() and sd_bus_get_timeout() are asked in every prepare.
 */
typedef struct {
    GSource source;
    sd_bus *bus;
    gpointer tag;
    BusSourceProcessed processed;
    BusSourceFailed failed;
    gpointer data;
    int error;
} BusSource;

static gint64 ready_time(sd_bus *bus)
{
    uint64_t usec;
    if (sd_bus_get_timeout(bus, &usec) < 0 || usec == UINT64_MAX)
        return -1;
    /* Both clocks are CLOCK_MONOTONIC. */
    return (gint64)usec;
}

static gboolean source_prepare(GSource *source, int *timeout)
{
    BusSource *self = (BusSource *)source;
    *timeout = -1;

    int events = self->error < 0 ? self->error : sd_bus_get_events(self->bus);
    if (events < 0) {
        self->error = events;
        return TRUE;
    }
    GIOCondition condition = 0;
    if (events & POLLIN)
        condition |= G_IO_IN;
    if (events & POLLOUT)
        condition |= G_IO_OUT;
    g_source_modify_unix_fd(source, self->tag, condition);
    g_source_set_ready_time(source, ready_time(self->bus));
    return FALSE;
}

static gboolean source_check(GSource *source)
{
    BusSource *self = (BusSource *)source;
    gint64 at = g_source_get_ready_time(source);
    return self->error < 0 || g_source_query_unix_fd(source, self->tag) != 0 ||
           (at >= 0 && at <= g_get_monotonic_time());
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    BusSource *self = (BusSource *)source;
    int r = self->error < 0 ? self->error : sd_bus_process(self->bus, NULL);
    if (r < 0) {
        self->failed(r, self->data);
        return G_SOURCE_REMOVE;
    }
    if (self->processed)
        self->processed(self->data);
    return G_SOURCE_CONTINUE;
}

GSource *bus_source_new(sd_bus *bus, BusSourceProcessed processed, BusSourceFailed failed,
                        gpointer data)
{
    static GSourceFuncs funcs = {
        .prepare = source_prepare, .check = source_check, .dispatch = source_dispatch};
    GSource *source = g_source_new(&funcs, sizeof(BusSource));
    BusSource *self = (BusSource *)source;
    self->bus = bus;
    self->processed = processed;
    self->failed = failed;
    self->data = data;
    g_source_set_static_name(source, "sd-bus");
    self->tag = g_source_add_unix_fd(source, sd_bus_get_fd(bus), G_IO_IN);
    g_source_attach(source, g_main_context_get_thread_default());
    return source;
}
