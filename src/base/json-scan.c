/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json-scan.h"

#include <string.h>

#include "base/json-plain.h"

enum {
    STATE_START, /* before the object */
    STATE_MEMBER_OR_END,
    STATE_MEMBER,
    STATE_COLON,
    STATE_VALUE,
    STATE_VALUE_OR_END,
    STATE_AFTER_VALUE,
    STATE_STRING,
    STATE_UTF8, /* inside a character of a string */
    STATE_ESCAPE,
    STATE_HEX,
    STATE_LITERAL,
    STATE_MINUS,
    STATE_ZERO,
    STATE_INTEGER,
    STATE_POINT,
    STATE_FRACTION,
    STATE_EXPONENT,
    STATE_EXPONENT_SIGN,
    STATE_EXPONENT_DIGITS,
    STATE_END, /* after the object */
    STATE_FAILED,
};

#define REPLACEMENT "\xEF\xBF\xBD"

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool is_outer_space(uint8_t byte)
{
    return is_space(byte) || byte == '\f';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The captured string */

static void capture_bytes(JsonScan *scan, const void *bytes, size_t length)
{
    if (length > sizeof(scan->text) - scan->text_length) {
        scan->text_overflow = true;
        return;
    }
    memcpy(scan->text + scan->text_length, bytes, length);
    scan->text_length += (uint8_t)length;
}

/* A high surrogate that got no low one. */
static void capture_lone(JsonScan *scan)
{
    if (scan->high)
        capture_bytes(scan, REPLACEMENT, 3);
    scan->high = 0;
}

static void capture(JsonScan *scan, const void *bytes, size_t length)
{
    if (!scan->capturing || length == 0)
        return;
    capture_lone(scan);
    capture_bytes(scan, bytes, length);
}

static void capture_character(JsonScan *scan, uint32_t c)
{
    char bytes[4];
    capture_bytes(scan, bytes, utf8_encode(c, bytes));
}

/* The code unit of a \u escape. */
static void capture_unit(JsonScan *scan, uint16_t unit)
{
    bool low = unit >= 0xDC00 && unit <= 0xDFFF;
    if (!scan->capturing)
        return;
    if (low && scan->high) {
        capture_character(scan, 0x10000u + ((scan->high - 0xD800u) << 10) + (unit - 0xDC00u));
        scan->high = 0;
        return;
    }
    capture_lone(scan);
    if (unit >= 0xD800 && unit <= 0xDBFF)
        scan->high = unit;
    else if (low || unit == 0)
        capture_bytes(scan, REPLACEMENT, 3);
    else
        capture_character(scan, unit);
}

/* Strings. Only those of the top level can be the "type" or its name: no other is kept. */

static void begin_string(JsonScan *scan, bool key)
{
    scan->state = STATE_STRING;
    scan->in_key = key;
    scan->escaped = false;
    if (scan->tape)
        json_tape_add(scan->tape, JSON_STRING, (uint32_t)scan->at + 1);
    scan->capturing = scan->depth == 1 && (key || scan->in_type);
    scan->text_overflow = false;
    scan->text_length = 0;
    scan->high = 0;
}

static void end_key(JsonScan *scan)
{
    scan->state = STATE_COLON;
    if (!scan->capturing)
        return;
    scan->in_type =
        !scan->text_overflow && scan->text_length == 4 && memcmp(scan->text, "type", 4) == 0;
    if (scan->in_type)
        scan->type[0] = '\0';
}

static void note_end(JsonScan *scan)
{
    JsonToken *token = &scan->tape->tokens[scan->tape->count - 1];
    token->end = (uint32_t)scan->at;
    token->escaped = scan->escaped;
}

static void end_string(JsonScan *scan)
{
    if (scan->tape)
        note_end(scan);
    if (scan->capturing)
        capture_lone(scan);
    if (scan->in_key) {
        end_key(scan);
        return;
    }
    scan->state = STATE_AFTER_VALUE;
    if (!scan->capturing || scan->text_overflow)
        return;
    memcpy(scan->type, scan->text, scan->text_length);
    scan->type[scan->text_length] = '\0';
}

static bool step_string(JsonScan *scan, uint8_t byte)
{
    if (byte == '"') {
        end_string(scan);
        return true;
    }
    if (byte == '\\') {
        scan->state = STATE_ESCAPE;
        scan->escaped = true;
        return true;
    }
    if (byte < 0x80 || !utf8_lead(byte, &scan->utf8))
        return false; /* plain characters never get here, so it is a control character */
    capture(scan, &byte, 1);
    scan->state = STATE_UTF8;
    return true;
}

static bool step_utf8(JsonScan *scan, uint8_t byte)
{
    if (byte < scan->utf8.low || byte > scan->utf8.high)
        return false;
    capture(scan, &byte, 1);
    scan->utf8 = (struct Utf8Lead){scan->utf8.following - 1, 0x80, 0xBF};
    if (scan->utf8.following == 0)
        scan->state = STATE_STRING;
    return true;
}

static bool step_escape(JsonScan *scan, uint8_t byte)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (byte == 'u') {
        scan->state = STATE_HEX;
        scan->hex_left = 4;
        scan->unit = 0;
        return true;
    }
    const char *found = memchr(escapes, byte, sizeof(escapes) - 1);
    if (!found)
        return false;
    capture(scan, &meant[found - escapes], 1);
    scan->state = STATE_STRING;
    return true;
}

static bool step_hex(JsonScan *scan, uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    uint8_t digit;
    if (is_digit(byte))
        digit = byte - '0';
    else if (letter >= 'a' && letter <= 'f')
        digit = letter - 'a' + 10;
    else
        return false;

    scan->unit = (uint16_t)(scan->unit << 4 | digit);
    if (--scan->hex_left == 0) {
        capture_unit(scan, scan->unit);
        scan->state = STATE_STRING;
    }
    return true;
}

/* Nesting */

static bool open_level(JsonScan *scan, bool object)
{
    uint64_t bit = UINT64_C(1) << scan->depth % 64;
    if (scan->depth == JSON_SCAN_MAX_DEPTH)
        return false;
    if (object)
        scan->objects[scan->depth / 64] |= bit;
    else
        scan->objects[scan->depth / 64] &= ~bit;
    if (scan->tape)
        json_tape_open(scan->tape, object ? JSON_OBJECT : JSON_ARRAY, (uint32_t)scan->at);
    scan->depth++;
    scan->state = object ? STATE_MEMBER_OR_END : STATE_VALUE_OR_END;
    return true;
}

static bool in_object(const JsonScan *scan)
{
    unsigned level = scan->depth - 1u;
    return scan->objects[level / 64] >> level % 64 & 1;
}

static bool close_level(JsonScan *scan, uint8_t byte)
{
    if (byte != (in_object(scan) ? '}' : ']'))
        return false;
    if (scan->tape)
        json_tape_close(scan->tape);
    scan->depth--;
    scan->state = scan->depth > 0 ? STATE_AFTER_VALUE : STATE_END;
    return true;
}

/* Values */

static void note_value(JsonScan *scan, JsonType type)
{
    if (scan->tape)
        json_tape_add(scan->tape, type, (uint32_t)scan->at);
}

static bool begin_literal(JsonScan *scan, JsonType type, const char *rest)
{
    note_value(scan, type);
    scan->literal = rest;
    scan->state = STATE_LITERAL;
    return true;
}

static bool step_literal(JsonScan *scan, uint8_t byte)
{
    if (byte != (uint8_t)*scan->literal)
        return false;
    scan->literal++;
    if (*scan->literal == '\0')
        scan->state = STATE_AFTER_VALUE;
    return true;
}

static bool begin_number(JsonScan *scan, uint8_t byte)
{
    if (byte == '-')
        scan->state = STATE_MINUS;
    else if (byte == '0')
        scan->state = STATE_ZERO;
    else if (is_digit(byte))
        scan->state = STATE_INTEGER;
    else
        return false;
    return true;
}

static bool begin_value(JsonScan *scan, uint8_t byte)
{
    switch (byte) {
    case '"':
        begin_string(scan, false);
        return true;
    case '{':
    case '[':
        return open_level(scan, byte == '{');
    case 't':
        return begin_literal(scan, JSON_TRUE, "rue");
    case 'f':
        return begin_literal(scan, JSON_FALSE, "alse");
    case 'n':
        return begin_literal(scan, JSON_NULL, "ull");
    default:
        note_value(scan, JSON_NUMBER);
        return begin_number(scan, byte);
    }
}

static bool begin_key(JsonScan *scan, uint8_t byte)
{
    if (byte != '"')
        return false;
    begin_string(scan, true);
    return true;
}

static bool step_after_value(JsonScan *scan, uint8_t byte)
{
    if (byte != ',')
        return close_level(scan, byte);
    scan->state = in_object(scan) ? STATE_MEMBER : STATE_VALUE;
    return true;
}

/* Between the values: punctuation and white space. */
static bool step_structure(JsonScan *scan, uint8_t byte)
{
    if (is_space(byte))
        return true;

    switch (scan->state) {
    case STATE_MEMBER_OR_END:
        return byte == '}' ? close_level(scan, byte) : begin_key(scan, byte);
    case STATE_MEMBER:
        return begin_key(scan, byte);
    case STATE_COLON:
        scan->state = STATE_VALUE;
        return byte == ':';
    case STATE_VALUE_OR_END:
        return byte == ']' ? close_level(scan, byte) : begin_value(scan, byte);
    case STATE_VALUE:
        return begin_value(scan, byte);
    default:
        return step_after_value(scan, byte);
    }
}

/* Around the object. */
static bool step_outside(JsonScan *scan, uint8_t byte)
{
    if (is_outer_space(byte))
        return true;
    return scan->state == STATE_START && byte == '{' && open_level(scan, true);
}

/* If a number may be complete, the character that ends it belongs to what follows. */
static bool end_number(JsonScan *scan, uint8_t byte)
{
    scan->state = STATE_AFTER_VALUE;
    return step_structure(scan, byte);
}

static bool step_number(JsonScan *scan, uint8_t byte)
{
    bool exponent = byte == 'e' || byte == 'E';
    bool digits = scan->state == STATE_INTEGER || scan->state == STATE_FRACTION ||
                  scan->state == STATE_EXPONENT_DIGITS;
    if (digits && is_digit(byte))
        return true;

    switch (scan->state) {
    case STATE_MINUS:
        return begin_number(scan, byte) && scan->state != STATE_MINUS;
    case STATE_ZERO:
    case STATE_INTEGER:
        if (byte != '.' && !exponent)
            return end_number(scan, byte);
        scan->state = exponent ? STATE_EXPONENT : STATE_POINT;
        return true;
    case STATE_POINT:
        scan->state = STATE_FRACTION;
        return is_digit(byte);
    case STATE_FRACTION:
        if (!exponent)
            return end_number(scan, byte);
        scan->state = STATE_EXPONENT;
        return true;
    case STATE_EXPONENT:
        scan->state = is_digit(byte) ? STATE_EXPONENT_DIGITS : STATE_EXPONENT_SIGN;
        return is_digit(byte) || byte == '+' || byte == '-';
    case STATE_EXPONENT_SIGN:
        scan->state = STATE_EXPONENT_DIGITS;
        return is_digit(byte);
    default:
        return end_number(scan, byte);
    }
}

static bool step(JsonScan *scan, uint8_t byte)
{
    switch (scan->state) {
    case STATE_START:
    case STATE_END:
        return step_outside(scan, byte);
    case STATE_STRING:
        return step_string(scan, byte);
    case STATE_UTF8:
        return step_utf8(scan, byte);
    case STATE_ESCAPE:
        return step_escape(scan, byte);
    case STATE_HEX:
        return step_hex(scan, byte);
    case STATE_LITERAL:
        return step_literal(scan, byte);
    case STATE_MINUS:
    case STATE_ZERO:
    case STATE_INTEGER:
    case STATE_POINT:
    case STATE_FRACTION:
    case STATE_EXPONENT:
    case STATE_EXPONENT_SIGN:
    case STATE_EXPONENT_DIGITS:
        return step_number(scan, byte);
    case STATE_FAILED:
        return false;
    default:
        return step_structure(scan, byte);
    }
}

/* The first byte of a string that is not plain ASCII. Most bytes of a transcript are. */
static const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t eight = json_load_eight(p);
        uint64_t special = json_find_special(eight) | (eight & JSON_TOP_BITS);
        if (special)
            return p + __builtin_ctzll(special) / 8;
    }
    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

static bool is_short_escape(uint8_t byte)
{
    return byte == 'n' || byte == '"' || byte == '\\' || byte == 't' || byte == '/' ||
           byte == 'r' || byte == 'b' || byte == 'f';
}

static bool is_hex(uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return is_digit(byte) || (letter >= 'a' && letter <= 'f');
}

/* The length in bytes of the escape or character at @p; 0 if it is incomplete or invalid. */
static size_t whole_length(const uint8_t *p, const uint8_t *end)
{
    bool whole;
    if (*p >= 0x80) {
        size_t length = utf8_length(p, end, &whole);
        return whole ? length : 0;
    }
    if (*p != '\\' || end - p < 2)
        return 0;
    if (is_short_escape(p[1]))
        return 2;
    whole =
        p[1] == 'u' && end - p >= 6 && is_hex(p[2]) && is_hex(p[3]) && is_hex(p[4]) && is_hex(p[5]);
    return whole ? 6 : 0;
}

/* As much of the string at hand as needs no state: of one that is not kept, all that is whole. */
static const uint8_t *pass_string(JsonScan *scan, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *plain = p;
    size_t length;
    p = skip_plain(p, end);
    capture(scan, plain, (size_t)(p - plain));
    while (!scan->capturing && p < end && (length = whole_length(p, end)) > 0) {
        scan->escaped |= *p == '\\';
        p = skip_plain(p + length, end);
    }
    return p;
}

void json_scan_init(JsonScan *scan)
{
    *scan = (JsonScan){.state = STATE_START};
}

void json_scan_record(JsonScan *scan, JsonTape *tape)
{
    scan->tape = tape;
}

bool json_scan_push(JsonScan *scan, const void *bytes, size_t length)
{
    const uint8_t *begin = bytes, *end = begin + length;
    uint64_t before = scan->at;
    for (const uint8_t *p = begin; p < end; p++) {
        if (scan->state == STATE_STRING && (p = pass_string(scan, p, end)) == end)
            break;
        scan->at = before + (uint64_t)(p - begin);
        if (!step(scan, *p)) {
            scan->state = STATE_FAILED;
            return false;
        }
    }
    scan->at = before + length;
    return scan->state != STATE_FAILED;
}

bool json_scan_finish(const JsonScan *scan)
{
    return scan->state == STATE_END;
}

const char *json_scan_type(const JsonScan *scan)
{
    return scan->type;
}
