/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The service's names on the bus: the contract's, so the one thing that its clients share with it.
 */

#define STORKIT_BUS_NAME "org.storkit.AgentPool"
#define STORKIT_OBJECT_PATH "/org/storkit/AgentPool"
#define STORKIT_INTERFACE "org.storkit.AgentPool"

/* Each run that List shows has an object below this path. */
#define STORKIT_RUNS_PATH STORKIT_OBJECT_PATH "/run"
#define STORKIT_RUN_INTERFACE "org.storkit.Run"
