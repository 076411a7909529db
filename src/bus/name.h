/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * How a connection gets the service's bus name.
 */

/** Takes the name on @bus, and waits for the bus. The name of a service that was killed is waited
 *  for, too: the bus delivers what that one had sent before it takes note of its end, and lets go
 *  of the name only then. Returns a negative errno: -EEXIST where another process has it. */
int bus_name_take(sd_bus *bus);

/** The result of @m, a reply to RequestName: 0 if the name is ours, else a negative errno. */
int bus_name_read_reply(sd_bus_message *m);

/** Why there is no name, for people. Caller frees. */
char *bus_name_describe_error(int error);
