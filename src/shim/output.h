/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shim/transcript.h"

/*
 * The agent's stdout where that is a pipe. Its lines go into the transcript whole: the terminal,
 * which has stderr and what tools print, waits until one has ended, but not for long.
 */

typedef struct Output {
    int fd;               /* non-blocking; -1: none, or at its end */
    bool is_last;         /* the transcript's last byte came from it */
    uint64_t holds_until; /* for so long the terminal waits */
} Output;

/** Makes the pipe. Returns the agent's end or -errno. */
int output_open(Output *output);

/** Whether bytes from the pipe (or the terminal: not @piped) need a newline before them. */
bool output_breaks_line(const Output *output, const Transcript *transcript, bool piped);

/** Whether the terminal waits for the end of a line. */
bool output_holds_terminal(const Output *output, const Transcript *transcript, uint64_t now);

/** Bytes came from the pipe (or the terminal). */
void output_note(Output *output, bool piped, uint64_t now);
