/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/times.h"

#include <sys/stat.h>
#include <unistd.h>

static gboolean read_pair(int fd, guint64 index, struct ShimTime *ret)
{
    return pread(fd, ret, sizeof(*ret), (off_t)(index * sizeof(*ret))) == sizeof(*ret);
}

static gboolean fill(LogTimes *times, int fd)
{
    ssize_t n = pread(fd, times->block, sizeof(times->block),
                      (off_t)(times->next * sizeof(struct ShimTime)));
    times->at = 0;
    times->filled = n > 0 ? (guint)((gsize)n / sizeof(struct ShimTime)) : 0;
    times->next += times->filled;
    return times->filled > 0;
}

guint64 log_times_get(LogTimes *times, int fd, guint64 offset, guint64 readable, guint64 fallback)
{
    while (fd >= 0) {
        if (times->at < times->filled) {
            if (times->block[times->at].offset > offset)
                break;
            times->usec = times->block[times->at++].usec;
            continue;
        }
        if (offset < times->complete_to)
            break;
        if (!fill(times, fd)) {
            times->complete_to = readable;
            break;
        }
    }
    return times->usec ? times->usec : fallback;
}

void log_times_seek(LogTimes *times, int fd, guint64 offset)
{
    struct stat st;
    struct ShimTime pair;
    if (fd < 0 || fstat(fd, &st) < 0)
        return;

    guint64 low = 0, high = (guint64)st.st_size / sizeof(pair);
    while (low < high) {
        guint64 middle = low + (high - low) / 2;
        if (read_pair(fd, middle, &pair) && pair.offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    *times = (LogTimes){.next = low > 0 ? low - 1 : 0};
}
