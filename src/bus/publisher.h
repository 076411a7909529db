/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "run/register.h"

/*
 * The bus sink: every event of every visible run as an AgentEvent signal, in order, from the sink's
 * own cursor. The next one is sent only when the connection has written the one before it to the
 * socket: so the queue in this process is never more than one event, a bus that does not read
 * delays only its own signals, and at a crash exactly that one event is in doubt.
 *
 * An event on the socket is not yet with the bus: the bus stops reading a connection whose messages
 * it hoards for other clients, and megabytes fit in between. So a question to the bus follows the
 * events; its answer confirms that it has accepted them. On a new connection, the unconfirmed ones
 * are sent again. The answer also says how much the bus hoards (bus/gauge.h): before that does
 * harm, the publisher asks for a new connection, or signals wait.
 */

typedef struct BusPublisher BusPublisher;

typedef struct {
    /** The bus hoards too many messages of this connection. It has accepted everything by then, and
     * nothing more is sent before bus_publisher_set_bus(). */
    void (*wants_new_bus)(gpointer data);

    /** Now the bus owes us something: bus_publisher_waits_since() has left 0, or is another. */
    void (*waits)(gpointer data);
} BusPublisherOwner;

/** @runs must outlive it. A backlog from a long absence is skipped: the cursors show the gap. */
BusPublisher *bus_publisher_new(Runs *runs, const BusPublisherOwner *owner, gpointer data);
void bus_publisher_free(BusPublisher *publisher);

/** Publishes on @bus from now on (NULL: on none). Events that another had not accepted are sent
 * again. */
void bus_publisher_set_bus(BusPublisher *publisher, sd_bus *bus);

/** The connection has written something. */
void bus_publisher_on_processed(BusPublisher *publisher);

/** Since when (monotonic µs) the bus has accepted nothing although it should; 0: nothing is
 * outstanding. */
gint64 bus_publisher_waits_since(const BusPublisher *publisher);

/** Whether there is nothing left to publish now. */
gboolean bus_publisher_is_idle(const BusPublisher *publisher);
