/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LINGER_FOLDER "/var/lib/systemd/linger"
#define TOLD_FILE "storkit-linger-told"

/* logind's own note of it: it answers no question about a user without a session. */
static gboolean lingers(void)
{
    g_autofree char *path = g_build_filename(LINGER_FOLDER, g_get_user_name(), NULL);
    return access(path, F_OK) == 0 || errno != ENOENT;
}

/* The runtime folder lasts as long as the login. */
gboolean linger_is_to_be_told(void)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    if (!runtime || lingers())
        return FALSE;
    g_autofree char *told = g_build_filename(runtime, TOLD_FILE, NULL);
    int fd = open(told, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}
