/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * How full the bus is of messages for clients that do not read, and what the sender should do.
 *
 * dbus-daemon charges them to the sender's connection, and stops reading it at 1 GB: replies are
 * then stuck behind the signals. A new connection starts at zero.
 *
 * dbus-broker charges them to the user (264 MB), a quota that all of the user's programs share.
 * When it is used up, whoever is to receive or send the next message is disconnected, the desktop's
 * shell as likely as we, and the hoard of the client that does not read stays. So it must not come
 * to that: a sender has to wait until there is room again.
 *
 * Both report it in org.freedesktop.DBus.Debug.Stats, dbus-daemon by connection, dbus-broker as a
 * whole.
 */

typedef enum {
    BUS_GAUGE_FINE,
    BUS_GAUGE_LEAVE, /* continue with a new connection */
    BUS_GAUGE_WAIT,  /* send nothing that can wait, and ask again */
} BusGaugeLevel;

typedef struct BusGauge BusGauge;

/** @taken: the bus has taken everything that was sent before the question. */
typedef void (*BusGaugeFunc)(gboolean taken, BusGaugeLevel level, gpointer data);

/** A gauge of the bus at the other end of @bus, which it takes a reference of. */
BusGauge *bus_gauge_new(sd_bus *bus, BusGaugeFunc func, gpointer data);

/** No answer is reported any more. */
void bus_gauge_free(BusGauge *gauge);

/** Asks, unless a question is under way: the answer comes after everything that was sent. */
void bus_gauge_ask(BusGauge *gauge);

/** When the question that is under way was asked (monotonic µs); 0: none is. */
gint64 bus_gauge_asked_at(const BusGauge *gauge);
