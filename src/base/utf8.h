/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * UTF-8, byte by byte (Unicode 15, table 3-7): without overlong forms, without surrogates, nothing
 * above U+10FFFF. libc only.
 */

struct Utf8Lead {
    uint8_t following; /* continuation bytes, 1 to 3 */
    uint8_t low, high; /* the range of the first of them; the others are 0x80 to 0xBF */
};

/** The bytes that may follow a lead byte. Fills @ret from a byte of 0x80 and above; false if no
 * character begins with it. */
static inline bool utf8_lead(uint8_t byte, struct Utf8Lead *ret)
{
    if (byte < 0xC2 || byte > 0xF4)
        return false;
    ret->following = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    ret->low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    ret->high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    return true;
}

/** How many of the bytes at @p, the first of them 0x80 or above, belong together. With @ret_whole
 *  true they are a character; otherwise they could have begun one, and one U+FFFD stands for all
 *  of them, as Unicode recommends and browsers do. */
static inline size_t utf8_length(const uint8_t *p, const uint8_t *end, bool *ret_whole)
{
    struct Utf8Lead lead;
    size_t n = 2;

    *ret_whole = false;
    if (!utf8_lead(*p, &lead) || end - p < 2 || p[1] < lead.low || p[1] > lead.high)
        return 1;
    while (n <= lead.following && p + n < end && (p[n] & 0xC0) == 0x80)
        n++;
    *ret_whole = n == lead.following + 1u;
    return n;
}

/** Writes the character @c to @to, which has room for four bytes; returns how many it took. */
static inline size_t utf8_encode(uint32_t c, char *to)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};

    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3F));
    to[0] = (char)(leads[n] | c);
    return n;
}
