/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "run/register.h"

/*
 * The bus sink: every event of every visible run as an AgentEvent signal, in order, from the sink's
 * own cursor. The next one is sent only when the connection has written the one before it to the
 * socket: so the queue in this process is never more than one event, a bus that does not read
 * delays nothing but its own signals, and at a crash exactly that one event is in doubt.
 *
 * What is on the socket is not yet with the bus: it stops reading a connection whose messages it
 * hoards for somebody else, and megabytes fit in between. So a question to the bus goes behind the
 * events; its answer says that it has taken them. On a new connection, those go again of which it
 * has not said so. The answer also says how much the bus hoards (bus/gauge.h): before that does
 * harm, a new connection is wished for, or signals wait.
 */

typedef struct BusPublisher BusPublisher;

typedef struct {
    /** The bus hoards too much of what was sent on this connection. Everything sent has been taken
     *  then, and nothing more goes out before bus_publisher_set_bus(). */
    void (*wants_new_bus)(gpointer data);

    /** Now the bus owes us something: bus_publisher_waits_since() has left 0, or is another. */
    void (*waits)(gpointer data);
} BusPublisherOwner;

/** @runs must outlive it. A backlog from a long absence is skipped: the cursors show the gap. */
BusPublisher *bus_publisher_new(Runs *runs, const BusPublisherOwner *owner, gpointer data);
void bus_publisher_free(BusPublisher *publisher);

/** Publishes on @bus from now on (NULL: on none). What another had not taken is sent again. */
void bus_publisher_set_bus(BusPublisher *publisher, sd_bus *bus);

/** The connection has written something. */
void bus_publisher_on_processed(BusPublisher *publisher);

/** Since when (monotonic µs) the bus has taken nothing of what it should; 0: it owes us nothing. */
gint64 bus_publisher_waits_since(const BusPublisher *publisher);

/** Whether there is nothing left to publish now. */
gboolean bus_publisher_is_idle(const BusPublisher *publisher);
