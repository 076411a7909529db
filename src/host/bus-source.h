/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * An sd-bus connection on a GLib main loop.
 */

/** Called after the connection has done something: it may have room to write again, or be gone. */
typedef void (*BusSourceProcessed)(gpointer data);
/** Called once, when the connection has failed with the negative errno @error. */
typedef void (*BusSourceFailed)(int error, gpointer data);

/** Makes and attaches a source (to the thread-default context) that drives @bus. The caller
 *  destroys and unrefs it before it drops @bus. @processed may be NULL. */
GSource *bus_source_new(sd_bus *bus, BusSourceProcessed processed, BusSourceFailed failed,
                        gpointer data);
