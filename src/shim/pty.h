/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The terminal. The shim keeps a slave of its own until no process is left: an agent that closes
 * its terminal and opens it again later is heard, and `EIO` only means the end.
 */

typedef struct Pty {
    int master; /* non-blocking; -1 after PTY_HUNG_UP */
    int slave;
} Pty;

typedef enum PtyState {
    PTY_MORE,    /* the buffer is full */
    PTY_EMPTY,   /* all that was written so far has been read */
    PTY_HUNG_UP, /* and no slave is left */
} PtyState;

/** Returns 0 or -errno. */
int pty_open(Pty *ret_pty, uint16_t rows, uint16_t columns);

void pty_resize(const Pty *pty, uint16_t rows, uint16_t columns);

/** Reads until @buffer is full or nothing is left, since one read gives at most 4095 bytes. *@fd is
 * a master or the end of a pipe; PTY_HUNG_UP closes it and makes it -1. */
PtyState pty_read(int *fd, uint8_t *buffer, size_t size, size_t *ret_length);
