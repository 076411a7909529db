/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <storkit/storkit.h>

/** Says on @bus that somebody looks at @run, so that no notification tells of it, until
 * g_bus_unown_name() of what this returns: storkit-desktop(8). */
guint followed_announce(GDBusConnection *bus, StorkitRun *run);
