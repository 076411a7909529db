/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json-tape.h"
#include "base/utf8.h"

/*
 * A strict, resumable scan for one JSON object (RFC 8259, UTF-8), in constant memory.
 *
 * It decides whether a line is an object before any JSON library sees it, and finds the string
 * value of its top-level member "type". It links libc only: the shim uses it too.
 *
 * The bytes of a line may come in pieces of any size; the verdict does not depend on where they are
 * split. White space around the object may hold form feeds too (as trimmed from a line), inside it
 * is JSON's own.
 */

/** Objects and arrays may nest this deep; a deeper line does not count as an object (json-glib
 * recurses, so this bound protects its stack). */
#define JSON_SCAN_MAX_DEPTH 512

/** The longest "type" that is reported, in bytes, without its NUL. */
#define JSON_SCAN_MAX_TYPE 63

/** Lives wherever its user likes, holds no resource; its members are json-scan.c's own. */
typedef struct JsonScan {
    uint8_t state;
    JsonTape *tape;       /* for the values that the scan meets, or NULL */
    uint64_t at;          /* the offset of the byte at hand */
    bool in_key;          /* the string at hand is a member's name */
    bool in_type;         /* the member at hand is the top-level "type" */
    bool escaped;         /* the string at hand has an escape */
    bool capturing;       /* the string at hand is kept in `text` */
    bool text_overflow;   /* … and was too long for it */
    uint8_t hex_left;     /* digits to come of a \u escape */
    uint16_t unit;        /* its UTF-16 code unit so far */
    uint16_t high;        /* a high surrogate that waits for its low one, or 0 */
    struct Utf8Lead utf8; /* expected rest of a character */
    const char *literal;  /* expected rest of true, false or null */
    uint16_t depth;       /* objects and arrays that are open */
    uint64_t objects[JSON_SCAN_MAX_DEPTH / 64]; /* one bit for each of them: an object? */
    uint8_t text_length;
    char text[JSON_SCAN_MAX_TYPE];
    char type[JSON_SCAN_MAX_TYPE + 1];
} JsonScan;

/** Makes @scan ready for a new line. */
void json_scan_init(JsonScan *scan);

/** Lets @scan, which is new, note on @tape, which is empty, where the values are: of a text below
 *  4 GiB. The tape means something once json_scan_finish() is true. */
void json_scan_record(JsonScan *scan, JsonTape *tape);

/** Takes the next @length bytes, whatever they are. False, from then on, once the line can never be
 *  an object. */
bool json_scan_push(JsonScan *scan, const void *bytes, size_t length);

/** Whether the bytes so far are exactly one object with white space around it. */
bool json_scan_finish(const JsonScan *scan);

/** The decoded string value of the top-level member "type", the last one where there are several
 *  (a \u0000 or a lone surrogate in it is U+FFFD); "" where it is absent, no string, or longer
 *  than JSON_SCAN_MAX_TYPE. Means something once json_scan_finish() is true. Belongs to @scan. */
const char *json_scan_type(const JsonScan *scan);
