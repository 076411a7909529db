/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/shim-protocol.h"

/*
 * The records that come through the FIFOs.
 */

/** So many of one FIFO are served before the loop looks after the rest again: a flood of them must
 *  not starve the agent's output, or a limit. */
#define RECORDS_AT_ONCE 16

/** Opens a FIFO of the run folder so that it never reports an end. Returns the fd or -errno. */
int record_open_fifo(int folder, const char *name);

/** The type of a record whose version we don't know. */
#define RECORD_UNKNOWN 0

/** Takes the next record out of @fifo, its payload into @ret_payload
 *  (SHIM_RECORD_MAX_PAYLOAD bytes). False if there is none. */
bool record_read(int fifo, struct ShimRecord *ret_head, uint8_t *ret_payload);
