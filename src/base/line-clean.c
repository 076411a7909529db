/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/line-clean.h"

#include <string.h>

#include "base/utf8.h"

#define ESC 0x1B
#define BEL 0x07
#define CAN 0x18
#define SUB 0x1A

#define REPLACEMENT "\xEF\xBF\xBD"

typedef const guint8 *Bytes;

void line_trim(const char **line, gsize *length)
{
    while (*length > 0 && g_ascii_isspace((*line)[0])) {
        (*line)++;
        (*length)--;
    }
    while (*length > 0 && g_ascii_isspace((*line)[*length - 1]))
        (*length)--;
}

static Bytes skip_range(Bytes p, Bytes end, guint8 low, guint8 high)
{
    while (p < end && *p >= low && *p <= high)
        p++;
    return p;
}

/* A sequence's last byte. No program prints '{' as one, but a JSON line may come right after a
 * sequence that was cut off. */
static Bytes skip_final(Bytes p, Bytes end, guint8 low)
{
    return p < end && *p >= low && *p <= 0x7E && *p != '{' ? p + 1 : p;
}

/* The text of an OSC, DCS, SOS, PM or APC. Its end is ST (ESC \), or BEL; what cancels a sequence
 * ends it too. Any other ESC begins the next sequence: then this one has no end. */
static Bytes skip_string(Bytes p, Bytes end)
{
    Bytes brace = NULL;
    for (; p < end && *p != ESC; p++) {
        if (*p == BEL || *p == CAN || *p == SUB)
            return p + 1;
        if (*p == '{' && !brace)
            brace = p;
    }
    if (end - p >= 2 && p[1] == '\\')
        return p + 2;
    return brace ? brace : p;
}

/* Where the sequence that begins with the ESC at @p is over. */
static Bytes skip_sequence(Bytes p, Bytes end)
{
    p++;
    if (p == end)
        return p;

    switch (*p) {
    case '[':
        p = skip_range(p + 1, end, 0x30, 0x3F);
        p = skip_range(p, end, 0x20, 0x2F);
        return skip_final(p, end, 0x40);
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        return skip_string(p + 1, end);
    default:
        p = skip_range(p, end, 0x20, 0x2F);
        return skip_final(p, end, 0x30);
    }
}

/* Removes sequences and control characters; NUL stays for make_valid(). */
static char *strip(Bytes p, gsize length, gsize *ret_length)
{
    Bytes end = p + length;
    char *text = g_malloc(length + 1);
    gsize n = 0;
    while (p < end) {
        if (*p == ESC) {
            p = skip_sequence(p, end);
            continue;
        }
        if (*p >= 0x20 || *p == '\t' || *p == '\0')
            text[n++] = (char)*p;
        p++;
    }
    text[n] = '\0';
    *ret_length = n;
    return text;
}

static char *make_valid(const char *text, gsize length, gsize *ret_length)
{
    const char *p = text, *end = text + length, *bad;
    GString *valid = g_string_sized_new(length + 16);
    bool whole;
    while (!g_utf8_validate_len(p, (gsize)(end - p), &bad)) {
        g_string_append_len(valid, p, bad - p);
        g_string_append(valid, REPLACEMENT);
        p = bad + utf8_length((Bytes)bad, (Bytes)end, &whole);
    }
    g_string_append_len(valid, p, end - p);
    *ret_length = valid->len;
    return g_string_free(valid, FALSE);
}

gboolean line_is_clean(const char *line, gsize length)
{
    for (gsize i = 0; i < length; i++)
        if ((guint8)line[i] < 0x20 && line[i] != '\t')
            return FALSE;
    return g_utf8_validate_len(line, length, NULL);
}

char *line_clean(const char *line, gsize length, gsize *ret_length)
{
    g_autofree char *text = strip((Bytes)line, length, &length);
    const char *start = text;
    line_trim(&start, &length);
    if (!g_utf8_validate_len(start, length, NULL))
        return make_valid(start, length, ret_length);
    memmove(text, start, length);
    text[length] = '\0';
    *ret_length = length;
    return g_steal_pointer(&text);
}

/* --- As a terminal shows it --- */

typedef struct {
    GArray *cells; /* of gunichar */
    guint column;
} Shown;

static void put(Shown *shown, gunichar c)
{
    static const gunichar blank = ' ';
    while (shown->cells->len < shown->column)
        g_array_append_val(shown->cells, blank);
    if (shown->column < shown->cells->len)
        g_array_index(shown->cells, gunichar, shown->column) = c;
    else
        g_array_append_val(shown->cells, c);
    shown->column++;
}

/* ESC [ K wipes to the line's end, ESC [ 2 K all of it. */
static void obey(Shown *shown, Bytes sequence, gsize length)
{
    if ((length == 3 && memcmp(sequence, "\033[K", 3) == 0) ||
        (length == 4 && memcmp(sequence, "\033[0K", 4) == 0))
        g_array_set_size(shown->cells, MIN(shown->column, shown->cells->len));
    else if (length == 4 && memcmp(sequence, "\033[2K", 4) == 0)
        g_array_set_size(shown->cells, 0);
}

/* Draws the character at @p; returns the position after it. */
static Bytes draw(Shown *shown, Bytes p, Bytes end)
{
    bool whole;
    if (*p == ESC) {
        Bytes after = skip_sequence(p, end);
        obey(shown, p, (gsize)(after - p));
        return after;
    }
    if (*p == '\r')
        shown->column = 0;
    else if (*p >= 0x80)
        put(shown, g_utf8_get_char_validated((const char *)p, end - p));
    else if (*p >= 0x20 || *p == '\t')
        put(shown, *p);
    return *p >= 0x80 ? p + utf8_length(p, end, &whole) : p + 1;
}

char *line_shown(const char *line, gsize length)
{
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == '\n'))
        length--;
    if (!memchr(line, '\r', length))
        return NULL;
    Shown shown = {.cells = g_array_new(FALSE, FALSE, sizeof(gunichar))};
    Bytes end = (Bytes)line + length;
    for (Bytes p = (Bytes)line; p < end;)
        p = draw(&shown, p, end);

    GString *text = g_string_sized_new(shown.cells->len);
    for (guint i = 0; i < shown.cells->len; i++) {
        gunichar c = g_array_index(shown.cells, gunichar, i);
        g_string_append_unichar(text, g_unichar_validate(c) ? c : 0xFFFD);
    }
    g_array_unref(shown.cells);
    return g_strstrip(g_string_free(text, FALSE));
}
