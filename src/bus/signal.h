/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "transcript/event.h"

/*
 * An event in the words of the bus: the signal AgentEvent. Text that is too long for it is cut, and
 * the signal says so.
 */

/** Queues the signal of @event on @bus. Returns a negative errno on failure. */
int bus_send_event(sd_bus *bus, const RunIdentity *identity, const Event *event);
