/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <systemd/sd-bus.h>

/*
 * What the bench's clients share: a connection, a call, a clock, and one way to end.
 */

#define NAME "org.storkit.AgentPool"
#define OBJECT "/org/storkit/AgentPool"

/** The session bus. Ends the program where there is none. */
sd_bus *client_connect(void);

/** Calls @method of the pool with @project and @story of its default agent; the reply, which the
 *  caller unrefs. Ends the program on an error. */
sd_bus_message *client_call(sd_bus *bus, const char *method, const char *project,
                            const char *story);

/** Seconds of the monotonic clock. */
double client_now(void);

/** Ends the program: @what failed with the negative errno @r. */
_Noreturn void client_fail(const char *what, int r);
