/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The open() of the whole process storkit-git, libgit2's calls included: it fails with EINVAL where
 * it would wait for the other end of a FIFO. An agent can put one in the place of any file that
 * libgit2 reads without a look at its type, such as a .gitignore in a folder of its worktree.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

int open_no_fifo(const char *path, int flags, ...) __asm__("open");

/* A name of its own in C: <fcntl.h> may define open() itself, by _FORTIFY_SOURCE. */
int open_no_fifo(const char *path, int flags, ...)
{
    mode_t mode = 0;
    struct stat st;
    if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (flags & (O_NONBLOCK | O_PATH))
        return openat(AT_FDCWD, path, flags, mode);
    int fd = openat(AT_FDCWD, path, flags | O_NONBLOCK, mode);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    (void)fcntl(fd, F_SETFL, flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC));
    return fd;
}
