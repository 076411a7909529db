/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "bus/parts.h"

/*
 * What may be asked of one run: the same whether the call's first arguments name the run
 * (org.storkit.AgentPool) or the call is made on the run's own object (org.storkit.Run).
 */

/** Reads the remaining arguments of @call, asks the domain, and arranges the reply. */
typedef void (*RunMethod)(BusParts *self, Run *run, sd_bus_message *call);

/** The function of @call's method for a run. */
RunMethod run_method_find(sd_bus_message *call);

/** Whether @call's method can be answered here for @run: of a run of another machine only what its
 *  record says can. Else STORKIT_ERROR_ON_OTHER_HOST. */
gboolean run_method_check_reach(sd_bus_message *call, const Run *run, GError **error);
