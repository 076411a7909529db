/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/bus-source.h"

#include <poll.h>

/*
 * Straight over sd-bus rather than by way of sd-event: the published glue between sd-event and GLib
 * has a race (systemd PR 43098). What sd-bus waits for may change with every message, so both
 * sd_bus_get_events() and sd_bus_get_timeout() are asked in every prepare. A GPollFD and the
 * timeout of prepare() rather than the newer g_source_modify_unix_fd() and
 * g_source_set_ready_time(): those wake the loop whenever they are called, and here that would
 * never end.
 */
typedef struct {
    GSource source;
    sd_bus *bus;
    GPollFD poll;
    BusSourceProcessed processed;
    BusSourceFailed failed;
    gpointer data;
    int error;
} BusSource;

/* How long sd-bus lets us sleep, in ms; -1: without limit. */
static int sleep_msec(sd_bus *bus)
{
    uint64_t until;
    if (sd_bus_get_timeout(bus, &until) < 0 || until == UINT64_MAX)
        return -1;
    /* Both clocks are CLOCK_MONOTONIC; rounded up, so as not to wake up too early and spin. */
    gint64 left = (gint64)until - g_get_monotonic_time();
    return left <= 0 ? 0 : (int)MIN((left + 999) / 1000, G_MAXINT);
}

static gboolean source_prepare(GSource *source, int *timeout)
{
    BusSource *self = (BusSource *)source;
    int events = self->error < 0 ? self->error : sd_bus_get_events(self->bus);
    if (events < 0) {
        self->error = events;
        return TRUE;
    }
    self->poll.events =
        (gushort)((events & POLLIN ? G_IO_IN : 0) | (events & POLLOUT ? G_IO_OUT : 0));
    *timeout = sleep_msec(self->bus);
    return *timeout == 0;
}

static gboolean source_check(GSource *source)
{
    BusSource *self = (BusSource *)source;
    return self->error < 0 || self->poll.revents != 0 || sleep_msec(self->bus) == 0;
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
    self->poll.fd = sd_bus_get_fd(bus);
    g_source_add_poll(source, &self->poll);
    g_source_attach(source, g_main_context_get_thread_default());
    return source;
}
