/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A strict, resumable scan for one JSON object (RFC 8259, UTF-8), in constant memory.
 *
 * It decides whether a line is an object before any JSON library sees it, and finds the string
 * value of its top-level member "type". It links libc only: the shim uses it too.
 */

/** Objects and arrays may nest this deep; a line that goes deeper is no object to us (json-glib
 *  recurses, so the bound is what keeps its stack safe). */
#define JSON_SCAN_MAX_DEPTH 512

/** The longest "type" that is reported, without its NUL. */
#define JSON_SCAN_MAX_TYPE 63

typedef struct JsonScan JsonScan;
