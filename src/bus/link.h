/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include <glib.h>

/*
 * BusLink: this service's place on the session bus, a connection that has the bus name. A bus may
 * disconnect a client (dbus-broker's quota counts what others do not read), stop reading it, or
 * restart: the link then continues with another connection, and only clients on the bus wait for
 * that. A spare one waits in the bus's queue for the name, so that the name always has an owner.
 * While no connection has it, bus_link_get() is NULL.
 */

typedef struct BusLink BusLink;

typedef struct {
    int (*add_objects)(sd_bus *bus, gpointer data); /* who finds the name finds them there */
    void (*down)(gpointer data);                    /* the connection is left, or lost */
    void (*up)(sd_bus *bus, gpointer data);         /* a new one has the name */
    void (*processed)(gpointer data);               /* something was read or written */
    void (*taken)(const char *why, gpointer data);  /* another program has the name */
    void (*gone)(const char *why, gpointer data);   /* so is the bus: there will be no new one */
} BusLinkOwner;

BusLink *bus_link_new(const BusLinkOwner *owner, gpointer data);
void bus_link_free(BusLink *link);

/** The first connection: waits for the bus, and does not call up(). @error says what to do if the
 * name is taken. */
gboolean bus_link_open(BusLink *link, GError **error);

/** The connection that has the name, or NULL. */
sd_bus *bus_link_get(const BusLink *link);

/** Gives up a connection that the bus no longer reads, and opens a new one. */
void bus_link_reopen(BusLink *link);

/** Goes on with a new connection, from the main loop's next turn on. Calls that came on the old one
 *  are answered there. */
void bus_link_move(BusLink *link);

/** From now on a lost connection is the end. */
void bus_link_set_leaving(BusLink *link);

/** Releases the name; calls @released once the bus has done so. Calls delivered before that have
 * arrived by then. FALSE if there is no name to release. */
gboolean bus_link_release_name(BusLink *link, void (*released)(gpointer data), gpointer data);

/** Waits until the bus has accepted all messages, but not for one that hangs. Calls that arrive
 * meanwhile are refused: there is nobody to handle them. */
void bus_link_flush(BusLink *link);

/** Closes all connections. */
void bus_link_close(BusLink *link);
