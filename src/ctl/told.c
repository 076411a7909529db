/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/told.h"

#include <fcntl.h>
#include <unistd.h>

/* The runtime folder lasts as long as the login. */
gboolean told_first(const char *name)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    if (!runtime)
        return FALSE;
    g_autofree char *told = g_build_filename(runtime, name, NULL);
    int fd = open(told, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}
