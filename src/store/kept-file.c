/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/kept-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

static gboolean write_new(int folder_fd, const char *name, const char *text)
{
    unlinkat(folder_fd, name, 0); /* of a service that died here */
    autofd fd = open_regular(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL);
    return fd >= 0 && write_all(fd, text, strlen(text));
}

gboolean kept_file_write(int folder_fd, const char *name, const char *text)
{
    g_autofree char *new_name = g_strconcat(name, ".new", NULL);
    /* No sync: a machine that goes down takes the agent with it. */
    if (write_new(folder_fd, new_name, text) &&
        renameat2(folder_fd, new_name, folder_fd, name, RENAME_NOREPLACE) == 0)
        return TRUE;
    int errsv = errno;
    unlinkat(folder_fd, new_name, 0);
    errno = errsv;
    return FALSE;
}

gboolean kept_file_exists(int folder_fd, const char *name)
{
    return faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char *kept_file_read(int folder_fd, const char *name)
{
    autofd fd = open_regular(folder_fd, name, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    g_autofree char *text = g_malloc((gsize)st.st_size + 1);
    if (read(fd, text, (gsize)st.st_size) != st.st_size)
        return NULL;
    text[st.st_size] = '\0';
    return g_steal_pointer(&text);
}
