/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/linger.h"

#include <errno.h>
#include <unistd.h>

#include "ctl/told.h"

#define LINGER_FOLDER "/var/lib/systemd/linger"

/* logind's own note of it: it answers no question about a user without a session. */
static gboolean lingers(void)
{
    g_autofree char *path = g_build_filename(LINGER_FOLDER, g_get_user_name(), NULL);
    return access(path, F_OK) == 0 || errno != ENOENT;
}

gboolean linger_is_to_be_told(void)
{
    return g_getenv("XDG_RUNTIME_DIR") && !lingers() && told_first("storkit-linger-told");
}
