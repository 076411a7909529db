/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * What a UTF-8 lead byte says of the bytes after it (Unicode 15, table 3-7): without overlong
 * forms, without surrogates, nothing above U+10FFFF. libc only.
 */

struct Utf8Lead {
    uint8_t following; /* continuation bytes, 1 to 3 */
    uint8_t low, high; /* the range of the first of them; the others are 0x80 to 0xBF */
};

/** Fills @ret from a byte of 0x80 and above; false where no character begins with it. */
static inline bool utf8_lead(uint8_t byte, struct Utf8Lead *ret)
{
    if (byte < 0xC2 || byte > 0xF4)
        return false;
    ret->following = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    ret->low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    ret->high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    return true;
}
