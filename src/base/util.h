/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <unistd.h>

#include <glib.h>

/*
 * The few helpers that GLib 2.74 lacks.
 */

/** Closes *@fd if it is one, and makes it -1. Keeps errno. */
static inline void fd_clear(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

/** Hands *@fd over to the caller: it is -1 afterwards. */
static inline int fd_steal(int *fd)
{
    int value = *fd;
    *fd = -1;
    return value;
}

/** A file descriptor that is closed when it goes out of scope. */
#define autofd __attribute__((cleanup(fd_clear))) int

/** Now, in µs since the epoch: the unit of every time of the contract. */
static inline guint64 now_usec(void)
{
    return (guint64)g_get_real_time();
}

/** Opens a regular file in a folder that others write to as well: a link, a FIFO or a device in its
 *  place is refused (-1 and errno), without waiting. @flags: O_RDONLY and the like. */
int open_regular(int folder_fd, const char *name, int flags);

/** Writes all of @text, or FALSE and errno. */
gboolean write_all(int fd, const char *text, gsize length);

/** Sets *@error in the domain G_FILE_ERROR from @errnum: "WHAT: strerror". */
#define set_errno_error(error, errnum, ...)                                                        \
    set_errno_error_full((error), (errnum), g_strdup_printf(__VA_ARGS__))

/** Behind set_errno_error(). Frees @what_taken. */
void set_errno_error_full(GError **error, int errnum, char *what_taken);

/** Where the PATH of @environment has the program @name, in an absolute folder; or NULL. Caller
 *  frees. */
char *find_program_in(char *const *environment, const char *name);

/** Whether the service was short of descriptors or memory, so that the same may succeed later. */
gboolean errno_is_shortage(int errnum);
gboolean error_is_shortage(const GError *error);
