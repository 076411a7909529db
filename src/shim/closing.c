/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "closing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim-util.h"

#define ESC 0x1B
#define BEL 0x07

/* A longer line is no JSON to anybody here (the contract has it as text). */
#define LINE_MAX_LENGTH (UINT64_C(16) * 1024 * 1024)

/* Where we are in the escape sequences that surround a line in a terminal. */
typedef enum EscapeState { PLAIN, AFTER_ESC, IN_CSI, IN_STRING } EscapeState;

void closing_begin(Closing *closing, const char *type, uint64_t offset)
{
    *closing = (Closing){.type = type, .line_start = offset};
    if (type)
        closing->marker_length =
            (size_t)snprintf(closing->marker, sizeof closing->marker, "\"%s\"", type);
}

static EscapeState after_escape(uint8_t byte)
{
    switch (byte) {
    case '[':
        return IN_CSI;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        return IN_STRING;
    default:
        return byte >= 0x20 && byte <= 0x2F ? AFTER_ESC : PLAIN;
    }
}

/* Whether @byte is text. A sequence that was cut off ends where an object may begin. */
static bool is_text(EscapeState *state, uint8_t byte)
{
    if (byte == ESC) {
        *state = AFTER_ESC;
        return false;
    }
    switch (*state) {
    case AFTER_ESC:
        *state = after_escape(byte);
        return byte == '{';
    case IN_CSI:
        if (byte < 0x20 || byte > 0x3F)
            *state = PLAIN;
        return byte == '{';
    case IN_STRING:
        if (byte == BEL)
            *state = PLAIN;
        return false;
    case PLAIN:
    default:
        return byte >= 0x20 || byte == '\t' || byte == '\0';
    }
}

/* In place; an object holds no control characters, so nothing of it is lost. */
static size_t strip_escapes(EscapeState *state, uint8_t *bytes, size_t length)
{
    size_t kept = 0;

    for (size_t i = 0; i < length; i++)
        if (is_text(state, bytes[i]))
            bytes[kept++] = bytes[i];
    return kept;
}

/* The line is read back: most of it has left the memory long ago. */
static bool line_is_closing(const Closing *closing, int transcript, uint64_t end)
{
    uint8_t chunk[4096];
    EscapeState state = PLAIN;
    JsonScan scan;

    if (end - closing->line_start > LINE_MAX_LENGTH)
        return false;
    json_scan_init(&scan);
    for (uint64_t at = closing->line_start; at < end;) {
        ssize_t n = pread(transcript, chunk, earlier(sizeof chunk, end - at), (off_t)at);
        if (n <= 0)
            return false;
        if (!json_scan_push(&scan, chunk, strip_escapes(&state, chunk, (size_t)n)))
            return false;
        at += (uint64_t)n;
    }
    return json_scan_finish(&scan) && strcmp(json_scan_type(&scan), closing->type) == 0;
}

static const uint8_t *find_marker(const Closing *closing, const void *bytes, size_t length)
{
    return memmem(bytes, length, closing->marker, closing->marker_length);
}

/* Looks for a marker across the edge of two chunks; keeps the end of this one for the next. */
static bool look_across_edge(Closing *closing, const uint8_t *bytes, size_t length)
{
    size_t part = closing->marker_length - 1;
    size_t head = earlier(part, length);

    memcpy(closing->carry + closing->carry_length, bytes, head);
    size_t joined = closing->carry_length + head;
    bool found = closing->carry_length > 0 && find_marker(closing, closing->carry, joined);

    const void *tail = length > part ? (const void *)(bytes + length - part)
                                     : closing->carry + joined - earlier(part, joined);
    closing->carry_length = length > part ? part : earlier(part, joined);
    memmove(closing->carry, tail, closing->carry_length);
    return found;
}

/* The start of the line that @end is in, where it begins between @from and @end. */
static void note_line_start(Closing *closing, const uint8_t *from, const uint8_t *end,
                            uint64_t offset)
{
    const uint8_t *newline = memrchr(from, '\n', (size_t)(end - from));
    if (newline)
        closing->line_start = offset + (uint64_t)(newline + 1 - from);
}

bool closing_look(Closing *closing, int transcript, const uint8_t *bytes, size_t length,
                  uint64_t offset)
{
    const uint8_t *p = bytes, *end = bytes + length;
    bool found = false;

    if (!closing->type)
        return false;
    closing->marked |= look_across_edge(closing, bytes, length);
    while (p < end) {
        const uint8_t *hit = closing->marked ? p : find_marker(closing, p, (size_t)(end - p));
        uint64_t at = offset + (uint64_t)(p - bytes);
        note_line_start(closing, p, hit ? hit : end, at);
        if (!hit)
            break;
        closing->marked = true;
        const uint8_t *newline = memchr(hit, '\n', (size_t)(end - hit));
        if (!newline)
            break;
        p = newline + 1;
        at = offset + (uint64_t)(p - bytes);
        found |= line_is_closing(closing, transcript, at - 1);
        closing->line_start = at;
        closing->marked = false;
    }
    return found;
}
