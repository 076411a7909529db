/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json-tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void json_tape_init(JsonTape *tape)
{
    tape->tokens = tape->first;
    tape->size = sizeof(tape->first) / sizeof(tape->first[0]);
    tape->count = tape->open = 0;
}

void json_tape_clear(JsonTape *tape)
{
    if (tape->tokens != tape->first)
        free(tape->tokens);
    json_tape_init(tape);
}

/* As GLib does it, without memory the process ends. */
static void grow(JsonTape *tape)
{
    bool first = tape->tokens == tape->first;
    tape->size *= 4;
    tape->tokens = reallocarray(first ? NULL : tape->tokens, tape->size, sizeof(JsonToken));
    if (!tape->tokens)
        abort();
    if (first)
        memcpy(tape->tokens, tape->first, sizeof(tape->first));
}

JsonToken *json_tape_add(JsonTape *tape, JsonType type, uint32_t begin)
{
    if (tape->count == tape->size)
        grow(tape);
    JsonToken *token = &tape->tokens[tape->count++];
    *token = (JsonToken){.begin = begin, .next = tape->count, .type = type};
    return token;
}

void json_tape_open(JsonTape *tape, JsonType type, uint32_t begin)
{
    uint32_t index = tape->count;
    json_tape_add(tape, type, begin)->next = tape->open;
    tape->open = index;
}

void json_tape_close(JsonTape *tape)
{
    JsonToken *token = &tape->tokens[tape->open];
    tape->open = token->next;
    token->next = tape->count;
}

/* --- Reading --- */

uint32_t json_tape_member(const JsonTape *tape, const char *text, uint32_t index, const char *name,
                          size_t length)
{
    const JsonToken *tokens = tape->tokens;
    uint32_t found = 0;
    for (uint32_t i = index + 1; i < tokens[index].next; i = tokens[i + 1].next)
        if (json_string_is(text, &tokens[i], name, length))
            found = i + 1;
    return found;
}

bool json_string_is(const char *text, const JsonToken *token, const char *expected, size_t length)
{
    char decoded[6 * 64]; /* no byte takes more than six */
    size_t size = token->end - token->begin;
    if (!token->escaped)
        return size == length && memcmp(text + token->begin, expected, length) == 0;
    return size <= sizeof(decoded) && json_string_decode(text, token, decoded) == length &&
           memcmp(decoded, expected, length) == 0;
}

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* The code unit of the escape at @p; 0, which is never half of a pair, if there is none. */
static uint32_t code_unit(const char *p, const char *end)
{
    uint32_t unit = 0;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return 0;
    for (int i = 2; i < 6; i++)
        unit = unit << 4 | hex_digit(p[i]);
    return unit;
}

/* The character of the escape \u… at *@p; moves *@p after it. */
static uint32_t take_unicode(const char **p, const char *end)
{
    uint32_t unit = code_unit(*p, end);
    *p += 6;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        uint32_t low = code_unit(*p, end);
        if (low < 0xDC00 || low > 0xDFFF)
            return 0xFFFD;
        *p += 6;
        return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    return unit == 0 || (unit >= 0xDC00 && unit <= 0xDFFF) ? 0xFFFD : unit;
}

static char take_short(char c)
{
    static const char meant[] = {['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r',
                                 ['t'] = '\t', ['"'] = '"',  ['/'] = '/',  ['\\'] = '\\'};
    return meant[(unsigned char)c];
}

size_t json_string_decode(const char *text, const JsonToken *token, char *to)
{
    const char *p = text + token->begin, *end = text + token->end, *backslash;
    char *out = to;
    while (token->escaped && (backslash = memchr(p, '\\', (size_t)(end - p)))) {
        out = mempcpy(out, p, (size_t)(backslash - p));
        p = backslash;
        if (p[1] == 'u') {
            out += utf8_encode(take_unicode(&p, end), out);
        } else {
            *out++ = take_short(p[1]);
            p += 2;
        }
    }
    out = mempcpy(out, p, (size_t)(end - p));
    return (size_t)(out - to);
}
