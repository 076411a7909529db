/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/followed.h"

#include <string.h>

#include "desktop/names.h"

/* Several may show one run, and wait for its name in turn. */
guint followed_announce(GDBusConnection *bus, StorkitRun *run)
{
    const char *path = storkit_run_get_object_path(run);
    if (!path)
        return 0;
    g_autofree char *name = g_strconcat(FOLLOWED_PREFIX, strrchr(path, '/') + 1, NULL);
    return g_bus_own_name_on_connection(bus, name, G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL,
                                        NULL);
}
