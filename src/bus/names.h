/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/names.h"

/*
 * What the service is called on the bus.
 */

#define STORKIT_BUS_NAME "org.storkit.AgentPool"
#define STORKIT_OBJECT_PATH "/org/storkit/AgentPool"
#define STORKIT_INTERFACE "org.storkit.AgentPool"
#define STORKIT_RUNS_PATH RUN_OBJECTS
#define STORKIT_RUN_INTERFACE "org.storkit.Run"
