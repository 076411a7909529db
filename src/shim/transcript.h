/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/shim-protocol.h"

/*
 * The append-only log and its times. What cannot be written (a full file system, a quota) is held:
 * it stays in the one buffer, nothing more is read from the PTY, and so the agent waits. Every byte
 * is written once, however short the writes are.
 */

typedef struct Transcript {
    int fd, times;
    uint64_t size;        /* of the file */
    uint64_t retry_at;    /* held: when to try again; NEVER otherwise */
    uint64_t last_usec;   /* of the last pair */
    struct ShimTime pair; /* the pair that is being written … */
    size_t pair_left;     /* … and how much of it is still to come */
    size_t start, end;    /* the part of `buffer` still to be written */
    uint8_t last_byte;
    uint8_t buffer[64 * 1024];
} Transcript;

/** Makes `transcript` in @folder. -EEXIST: another shim was here. Returns 0 or -errno. */
int transcript_open(Transcript *transcript, int folder);

/** Makes `times` beside it. Returns 0 or -errno. */
int transcript_open_times(Transcript *transcript, int folder);

/** Appends the first @length bytes of the buffer, which must not hold bytes of before. */
void transcript_append(Transcript *transcript, size_t length);

/** Goes on where a hold began. */
void transcript_retry(Transcript *transcript);

/** Whether bytes wait for room: the buffer is in use. */
static inline bool transcript_held(const Transcript *transcript)
{
    return transcript->start < transcript->end;
}

/** The offset that the next byte gets. */
static inline uint64_t transcript_end(const Transcript *transcript)
{
    return transcript->size + (transcript->end - transcript->start);
}

/** Whether the next byte begins a line. */
static inline bool transcript_on_fresh_line(const Transcript *transcript)
{
    return transcript_end(transcript) == 0 || transcript->last_byte == '\n';
}
