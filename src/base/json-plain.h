/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

/*
 * Eight bytes of a JSON string at a time. libc only.
 */

#define JSON_EACH_BYTE UINT64_C(0x0101010101010101)
#define JSON_TOP_BITS (JSON_EACH_BYTE << 7)

/** The eight bytes at @p, the first of them lowest. */
static inline uint64_t json_load_eight(const void *p)
{
    uint64_t eight;

    memcpy(&eight, p, sizeof(eight));
    return le64toh(eight);
}

/** The top bits of those bytes that must be escaped in a string: control characters, '"' and '\\'.
 *  Only the lowest bit that is set is certain. (The subtractions borrow from the next byte only
 *  where their own is such a one.) */
static inline uint64_t json_find_special(uint64_t eight)
{
    uint64_t quote = eight ^ JSON_EACH_BYTE * '"', backslash = eight ^ JSON_EACH_BYTE * '\\';

    return ((eight - JSON_EACH_BYTE * 0x20) | (quote - JSON_EACH_BYTE) |
            (backslash - JSON_EACH_BYTE)) &
           ~eight & JSON_TOP_BITS;
}
