/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "bus/parts.h"

/*
 * Each run that List shows as an object below STORKIT_RUNS_PATH with the interface org.storkit.Run:
 * the info as properties, what may be asked of it as methods. /org/storkit/AgentPool manages them
 * (org.freedesktop.DBus.ObjectManager).
 */

typedef struct BusRuns BusRuns;

/** The objects of the runs of @parts, which must outlive them. */
BusRuns *bus_runs_new(BusParts *parts);
void bus_runs_free(BusRuns *runs);

/** Puts them on @bus. Negative errno on failure. */
int bus_runs_register(BusRuns *runs, sd_bus *bus);

/** Tells of what changes on @bus from now on; NULL: nowhere. A client that has just seen the
 *  name of the service asks for what there is already. */
void bus_runs_set_bus(BusRuns *runs, sd_bus *bus);
