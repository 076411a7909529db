/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/** Another bus than @session (NULL: there is none) that the user's service @name is on, where it is
 *  not on that one: the bus of the process that has the state folder, or else the user's own, at
 *  $XDG_RUNTIME_DIR/bus, where a call starts the service. NULL: look no further than @session.
 *  A session of its own (dbus-run-session, some remote desktops), cron and ssh have another bus, or
 *  none. Caller: sd_bus_flush_close_unref(). */
sd_bus *bus_find_service(sd_bus *session, const char *name);
