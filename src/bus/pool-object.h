/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "bus/parts.h"

/*
 * The interface org.storkit.AgentPool over the pool: each handler parses, asks the domain, and
 * replies when the domain does.
 */

/** Puts the object on @bus; @parts must outlive it. Negative errno on failure. */
int bus_pool_register(sd_bus *bus, BusParts *parts);
