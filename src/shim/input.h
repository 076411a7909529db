/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/options.h"
#include "store/shim-protocol.h"

/*
 * What goes to the agent: bytes for its terminal, and for its stdin where that is a pipe (first the
 * run folder's `stdin`, then messages and answers). One record at a time is in hand; the FIFO holds
 * the rest.
 */

typedef struct Input {
    int folder; /* of the run */
    int fifo;
    int file;           /* the rest of the run folder's `stdin`, or of an answer; or -1 */
    int pipe;           /* the agent's stdin, or -1 */
    bool to_pipe;       /* the destination of the bytes in hand */
    bool broken;        /* the agent has let go of its stdin */
    bool ended;         /* that its stdin has ended was noted */
    uint64_t *answered; /* the answers that were given */
    size_t n_answered;
    size_t start, end;
    uint8_t buffer[PIPE_BUF];
} Input;

/** Opens the FIFO. Returns 0 or -errno. */
int input_open(Input *input, int folder);

/** Makes the agent's stdin (a copy of @slave for STDIN_TTY). Returns its fd or -errno. */
int input_open_stdin(Input *input, int folder, StdinKind kind, int slave);

/** Writes the run folder's `cancel` to the agent's stdin, after what is in hand and before all
 * else. False where there is none. */
bool input_cancel(Input *input);

/** Closes the agent's stdin. */
void input_close(Input *input);

/** Writes and reads as much as goes without blocking. @master is the PTY's. */
void input_service(Input *input, int master);

/** What input_service() waits for: room in the pipe, room in the PTY, a record. */
bool input_wants_pipe(const Input *input);
bool input_wants_master(const Input *input);
bool input_wants_fifo(const Input *input);
