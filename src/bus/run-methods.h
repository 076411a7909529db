/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "bus/parts.h"

/*
 * What may be asked of one run: the same whether the call's first arguments name the run
 * (org.storkit.AgentPool) or the call is made on the run's own object (org.storkit.Run).
 */

/** Reads what is left of the arguments of @call, asks the domain, and sees to the reply. */
typedef void (*RunMethod)(BusParts *self, Run *run, sd_bus_message *call);

/** What the method that @call calls does with a run. */
RunMethod run_method_find(sd_bus_message *call);
