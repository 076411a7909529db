/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libstorkit: the client of org.storkit.AgentPool, the service that runs coding agents.
 *
 * Objects belong to the thread-default main context that they were made in: their signals come
 * there, and they are used from its thread only. A call waits as long as the service needs (a
 * storkit_run_wait() for hours), and its cancellable ends that; each has a form that blocks the
 * thread and one with _async.
 */

#include <storkit/error.h>
#include <storkit/event.h>
#include <storkit/event-stream.h>
#include <storkit/run.h>
#include <storkit/pool.h>
