/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/shim-util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t to_usec(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * USEC_PER_SEC + (uint64_t)time->tv_nsec / 1000;
}

static uint64_t clock_usec(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return to_usec(&now);
}

uint64_t monotonic_usec(void)
{
    return clock_usec(CLOCK_MONOTONIC);
}

uint64_t wall_usec(void)
{
    return clock_usec(CLOCK_REALTIME);
}

uint64_t process_cpu_usec(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return to_usec(&used);
}

void fd_clear(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

void complain(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    dprintf(STDERR_FILENO, "storkit-shim[%d]: %s\n", (int)getpid(), line);
}

int open_at(int folder, const char *name, int flags)
{
    int fd = openat(folder, name, flags | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

int write_text_at(int folder, const char *name, const char *text)
{
    size_t length = strlen(text);
    autofd fd = open_at(folder, name, O_WRONLY);
    if (fd < 0)
        return fd;
    ssize_t n = write(fd, text, length);
    if (n < 0)
        return -errno;
    return (size_t)n == length ? 0 : -ENOSPC;
}

int read_text_at(int folder, const char *name, char *buffer, size_t size)
{
    autofd fd = open_at(folder, name, O_RDONLY);
    if (fd < 0)
        return fd;
    ssize_t n = read(fd, buffer, size - 1);
    if (n < 0)
        return -errno;
    buffer[n] = '\0';
    return 0;
}

bool find_figure(const char *text, const char *key, uint64_t *ret_value)
{
    size_t length = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            *ret_value = strtoull(line + length, NULL, 10);
            return true;
        }
    }
    return false;
}
