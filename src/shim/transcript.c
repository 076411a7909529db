/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/transcript.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/shim-util.h"

#define PAIR_INTERVAL (10 * USEC_PER_MSEC)
#define RETRY_INTERVAL (500 * USEC_PER_MSEC)

int transcript_open(Transcript *transcript, int folder)
{
    transcript->retry_at = NEVER;
    transcript->fd = open_at(folder, "transcript", O_CREAT | O_EXCL | O_APPEND | O_RDWR);
    return transcript->fd < 0 ? transcript->fd : 0;
}

int transcript_open_times(Transcript *transcript, int folder)
{
    transcript->times = open_at(folder, "times", O_CREAT | O_EXCL | O_APPEND | O_WRONLY);
    return transcript->times < 0 ? transcript->times : 0;
}

/* One write(); whatever it could not take (ENOSPC, EDQUOT, EIO, …) is tried again later. */
static size_t write_some(int fd, const void *bytes, size_t length)
{
    ssize_t n;
    do
        n = write(fd, bytes, length);
    while (n < 0 && errno == EINTR);
    return n < 0 ? 0 : (size_t)n;
}

/* A clock that was set back must not silence `times` until it has caught up. */
static bool pair_is_due(const Transcript *transcript, uint64_t now)
{
    return now < transcript->last_usec || now - transcript->last_usec >= PAIR_INTERVAL;
}

static void begin_pair(Transcript *transcript)
{
    uint64_t now = wall_usec();
    if (!pair_is_due(transcript, now))
        return;
    transcript->pair = (struct ShimTime){.offset = transcript->size, .usec = now};
    transcript->pair_left = sizeof transcript->pair;
    transcript->last_usec = now;
}

static bool write_pair(Transcript *transcript)
{
    const uint8_t *end = (const uint8_t *)(&transcript->pair + 1);
    while (transcript->pair_left > 0) {
        size_t n =
            write_some(transcript->times, end - transcript->pair_left, transcript->pair_left);
        if (n == 0)
            return false;
        transcript->pair_left -= n;
    }
    return true;
}

static void hold(Transcript *transcript)
{
    if (transcript->retry_at == NEVER) {
        complain("no space for the transcript (%s): the agent waits until there is",
                 strerror(errno));
        fchmod(transcript->fd, 0400);
    }
    transcript->retry_at = later(monotonic_usec(), RETRY_INTERVAL);
}

static void release(Transcript *transcript)
{
    if (transcript->retry_at == NEVER)
        return;
    transcript->retry_at = NEVER;
    fchmod(transcript->fd, 0600);
}

static void write_out(Transcript *transcript)
{
    while (transcript_held(transcript)) {
        size_t n = 0;
        if (write_pair(transcript))
            n = write_some(transcript->fd, transcript->buffer + transcript->start,
                           transcript->end - transcript->start);
        if (n == 0) {
            hold(transcript);
            return;
        }
        transcript->start += n;
        transcript->size += n;
        release(transcript);
    }
}

void transcript_append(Transcript *transcript, size_t length)
{
    if (length == 0)
        return;
    transcript->start = 0;
    transcript->end = length;
    transcript->last_byte = transcript->buffer[length - 1];
    begin_pair(transcript);
    write_out(transcript);
}

void transcript_retry(Transcript *transcript)
{
    write_out(transcript);
}
