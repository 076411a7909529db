/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bus-text.h"

#include <string.h>

#include "base/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD"

typedef const guint8 *Bytes;

static gboolean is_noncharacter(Bytes p, gsize length)
{
    guint32 character = p[0] & (0xFFu >> (length + 1));
    for (gsize i = 1; i < length; i++)
        character = character << 6 | (p[i] & 0x3Fu);
    return (character >= 0xFDD0 && character <= 0xFDEF) || (character & 0xFFFE) == 0xFFFE;
}

static Bytes skip_ascii(Bytes p, Bytes end)
{
    guint64 eight;
    while ((gsize)(end - p) >= sizeof eight) {
        memcpy(&eight, p, sizeof eight);
        if (eight & G_GUINT64_CONSTANT(0x8080808080808080))
            break;
        p += sizeof eight;
    }
    while (p < end && *p < 0x80)
        p++;
    return p;
}

/* Finds the first bytes that sd-bus refuses and how many they are; @end if there are none. */
static Bytes find_refused(Bytes p, Bytes end, gsize *ret_length)
{
    bool whole;
    while ((p = skip_ascii(p, end)) < end) {
        *ret_length = utf8_length(p, end, &whole);
        if (!whole || is_noncharacter(p, *ret_length))
            return p;
        p += *ret_length;
    }
    return end;
}

char *bus_text_clean(const char *text)
{
    Bytes p = (Bytes)text, end = p + strlen(text);
    gsize length;
    Bytes refused = find_refused(p, end, &length);
    if (refused == end)
        return NULL;
    GString *clean = g_string_sized_new((gsize)(end - p));
    for (; refused < end; refused = find_refused(p, end, &length)) {
        g_string_append_len(clean, (const char *)p, refused - p);
        g_string_append(clean, REPLACEMENT);
        p = refused + length;
    }
    g_string_append_len(clean, (const char *)p, end - p);
    return g_string_free(clean, FALSE);
}
