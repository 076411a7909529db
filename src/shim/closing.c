/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/closing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/shim-util.h"

#define ESC 0x1B
#define BEL 0x07
#define CAN 0x18
#define SUB 0x1A

/* A longer line is no JSON to anybody here (the contract has it as text). */
#define LINE_MAX_LENGTH (UINT64_C(16) * 1024 * 1024)

/* Where we are in the escape sequences that surround a line in a terminal. */
typedef enum EscapeState {
    PLAIN,
    AFTER_ESC,
    IN_CSI,
    INTERMEDIATE, /* its last byte is to come */
    IN_STRING,    /* of an OSC, DCS, SOS, PM or APC */
    STRING_ESC,   /* … and that may be its end */
} EscapeState;

typedef struct Escapes {
    EscapeState state;
    uint8_t lowest_final; /* the role of the last byte */
    uint64_t brace;       /* where the string's first '{' is; NEVER: it has none */
} Escapes;

void closing_begin(Closing *closing, const char *type, uint64_t offset)
{
    *closing = (Closing){.type = type, .line_start = offset};
    if (type)
        closing->marker_length =
            (size_t)snprintf(closing->marker, sizeof closing->marker, "\"%s\"", type);
}

static bool is_between(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/* No program prints '{' as the last byte: an object follows a sequence that was cut off. */
static bool take_final(Escapes *escapes, uint8_t byte)
{
    escapes->state = is_between(byte, 0x20, 0x2F) ? INTERMEDIATE : PLAIN;
    return escapes->state == INTERMEDIATE ||
           (is_between(byte, escapes->lowest_final, 0x7E) && byte != '{');
}

static bool take_first(Escapes *escapes, uint8_t byte)
{
    switch (byte) {
    case '[':
        escapes->state = IN_CSI;
        escapes->lowest_final = 0x40;
        return true;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        escapes->state = IN_STRING;
        escapes->brace = NEVER;
        return true;
    default:
        escapes->lowest_final = 0x30;
        return take_final(escapes, byte);
    }
}

static void take_in_string(Escapes *escapes, uint8_t byte, uint64_t at)
{
    if (byte == ESC)
        escapes->state = STRING_ESC;
    else if (byte == BEL || byte == CAN || byte == SUB)
        escapes->state = PLAIN;
    else if (byte == '{' && escapes->brace == NEVER)
        escapes->brace = at;
}

/* Whether @byte, at @at, belongs to a sequence. */
static bool take(Escapes *escapes, uint8_t byte, uint64_t at)
{
    switch (escapes->state) {
    case AFTER_ESC:
        return take_first(escapes, byte);
    case IN_CSI:
        return is_between(byte, 0x30, 0x3F) || take_final(escapes, byte);
    case INTERMEDIATE:
        return take_final(escapes, byte);
    case IN_STRING:
        take_in_string(escapes, byte, at);
        return true;
    case STRING_ESC: /* ESC \ */
        escapes->state = PLAIN;
        return true;
    case PLAIN:
    default:
        return false;
    }
}

static bool is_text(Escapes *escapes, uint8_t byte, uint64_t at)
{
    if (take(escapes, byte, at))
        return false;
    if (byte == ESC)
        escapes->state = AFTER_ESC;
    return byte >= 0x20 || byte == '\t' || byte == '\0';
}

/* A string without an end stops before its first '{', and we continue from there: true. If it has
 * none, the ESC after it begins the next sequence. */
static bool leave_string(Escapes *escapes)
{
    escapes->state = escapes->brace == NEVER ? AFTER_ESC : PLAIN;
    return escapes->brace != NEVER;
}

/* The line's bytes from *@at on: anything but text is removed in place, *@at is where to read next.
 * An object has no control characters, so none of it is lost. */
static size_t strip_escapes(Escapes *escapes, uint8_t *bytes, size_t length, uint64_t *at)
{
    uint64_t begin = *at;
    size_t kept = 0;
    for (size_t i = 0; i < length; i++) {
        if (escapes->state == STRING_ESC && bytes[i] != '\\' && leave_string(escapes)) {
            if (escapes->brace < begin) { /* it has left the memory */
                *at = escapes->brace;
                return kept;
            }
            i = (size_t)(escapes->brace - begin); /* the kept bytes lie before it */
        }
        if (is_text(escapes, bytes[i], begin + i))
            bytes[kept++] = bytes[i];
    }
    *at = begin + length;
    return kept;
}

/* Whether the line ended in a string, and continues at *@at. */
static bool ended_in_string(Escapes *escapes, uint64_t *at)
{
    bool in_string = escapes->state == IN_STRING || escapes->state == STRING_ESC;
    if (!in_string || !leave_string(escapes))
        return false;
    *at = escapes->brace;
    return true;
}

/* The line is read back: most of it has left the memory long ago. */
static bool line_is_closing(const Closing *closing, int transcript, uint64_t end)
{
    uint8_t chunk[4096];
    Escapes escapes = {.state = PLAIN};
    uint64_t at = closing->line_start;
    JsonScan scan;
    if (end - at > LINE_MAX_LENGTH)
        return false;
    json_scan_init(&scan);
    while (at < end || ended_in_string(&escapes, &at)) {
        ssize_t n = pread(transcript, chunk, earlier(sizeof chunk, end - at), (off_t)at);
        if (n <= 0)
            return false;
        size_t kept = strip_escapes(&escapes, chunk, (size_t)n, &at);
        if (!json_scan_push(&scan, chunk, kept))
            return false;
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
