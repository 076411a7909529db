/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json-scan.h"

/*
 * Finds the agent's closing line: a strict JSON object with a certain top-level `type`. To keep
 * pace with the PTY only a line that has the bytes "TYPE" in it, quotes included, is looked into.
 */

typedef struct Closing {
    const char *type; /* NULL: nothing is looked for */
    char marker[JSON_SCAN_MAX_TYPE + 3];
    size_t marker_length;
    uint64_t line_start; /* of the line that is coming in */
    bool marked;         /* it has the marker */
    size_t carry_length;
    char
        carry[2 * (JSON_SCAN_MAX_TYPE + 3)]; /* the end of the last chunk: it may hold half of it */
} Closing;

/** Begins with the byte at @offset. A @type of NULL finds nothing. */
void closing_begin(Closing *closing, const char *type, uint64_t offset);

/** Looks at the @length bytes that are in the @transcript (an fd) at @offset now, right after those
 *  of the last call. True where a closing line ended in them. */
bool closing_look(Closing *closing, int transcript, const uint8_t *bytes, size_t length,
                  uint64_t offset);
