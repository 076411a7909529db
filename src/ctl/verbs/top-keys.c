/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/top-keys.h"

#include <string.h>

#define ESC '\033'

/* What follows ESC [ or ESC O, as xterm, the Linux console, rxvt and their kin send it. */
static const struct {
    const char *sequence;
    int key;
} sequences[] = {
    {"A", TOP_KEY_UP},       {"B", TOP_KEY_DOWN},       {"H", TOP_KEY_HOME},  {"F", TOP_KEY_END},
    {"5~", TOP_KEY_PAGE_UP}, {"6~", TOP_KEY_PAGE_DOWN}, {"1~", TOP_KEY_HOME}, {"4~", TOP_KEY_END},
    {"7~", TOP_KEY_HOME},    {"8~", TOP_KEY_END},
};

static gboolean is_final(char c)
{
    return c >= 0x40 && c < 0x7F;
}

gsize top_key_read(const char *bytes, gsize n, int *ret_key)
{
    gsize length = 2;
    if (n < 3 || bytes[0] != ESC || (bytes[1] != '[' && bytes[1] != 'O')) {
        *ret_key = (guchar)bytes[0];
        return 1;
    }
    while (length < n && !is_final(bytes[length]) && bytes[length] != '~')
        length++;
    length = MIN(length + 1, n);
    *ret_key = TOP_KEY_UNKNOWN;
    for (gsize i = 0; i < G_N_ELEMENTS(sequences); i++)
        if (strlen(sequences[i].sequence) == length - 2 &&
            memcmp(sequences[i].sequence, bytes + 2, length - 2) == 0)
            *ret_key = sequences[i].key;
    return length;
}
