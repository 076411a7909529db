/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "run/attachment.h"
#include "bus/publisher.h"
#include "sinks/drain.h"
#include "pool/pool.h"
#include "run/steering.h"
#include "sinks/subscription.h"

/*
 * The interface org.storkit.AgentPool over the pool: each handler parses, asks the domain, and
 * replies when the domain does.
 */

typedef struct {
    Pool *pool;
    BusPublisher *publisher;
    Subscriptions *subscriptions;
    Drains *drains;
    Steering *steering;
    Attachments *attachments;
} BusPool;

/** Puts the object on @bus; @bus_pool must outlive it. Negative errno on failure. */
int bus_pool_register(sd_bus *bus, BusPool *bus_pool);
