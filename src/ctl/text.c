/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <string.h>

#define TAB "    "
#define REPLACEMENT 0xFFFD
#define CONTROL_PICTURES 0x2400
#define DELETE_PICTURE 0x2421

static int char_width(gunichar c)
{
    if (g_unichar_iszerowidth(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}

int text_width(const char *text)
{
    int width = 0;

    for (const char *p = text; *p; p = g_utf8_next_char(p))
        width += char_width(g_utf8_get_char(p));
    return width;
}

/* Bidirectional overrides and isolates: they make a line read otherwise than it is. */
static gboolean reorders(gunichar c)
{
    return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E ||
           c == 0x200F || c == 0x061C;
}

static gunichar harmless(gunichar c)
{
    if (c < 0x20)
        return CONTROL_PICTURES + c;
    if (c == 0x7F)
        return DELETE_PICTURE;
    if ((c >= 0x80 && c < 0xA0) || c == 0x2028 || c == 0x2029 || reorders(c))
        return REPLACEMENT;
    return c;
}

char *text_clean(const char *text, gboolean keep_newlines)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *clean = g_string_sized_new(strlen(valid));

    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c == '\r' && p[1] == '\n')
            continue;
        if (c == '\n')
            g_string_append_c(clean, keep_newlines ? '\n' : ' ');
        else if (c == '\t')
            g_string_append(clean, TAB);
        else
            g_string_append_unichar(clean, harmless(c));
    }
    return g_string_free(clean, FALSE);
}

char *text_ellipsize(const char *text, int width)
{
    if (text_width(text) <= width)
        return g_strdup(text);

    const char *ellipsis = text_glyph("…", "~");
    const char *end = text;
    for (int used = 0; *end; end = g_utf8_next_char(end)) {
        used += char_width(g_utf8_get_char(end));
        if (used > width - 1)
            break;
    }
    g_autofree char *head = g_strndup(text, end - text);
    return width > 0 ? g_strconcat(head, ellipsis, NULL) : g_strdup("");
}

char *text_first_line(const char *text)
{
    const char *start = text + strspn(text, " \t\r\n");
    g_autofree char *line = g_strndup(start, strcspn(start, "\r\n"));

    return text_clean(g_strchomp(line), FALSE);
}

void text_append_padded(GString *to, const char *text, int width, gboolean right)
{
    int padding = MAX(width - text_width(text), 0);

    if (right)
        g_string_append_printf(to, "%*s", padding, "");
    g_string_append(to, text);
    if (!right)
        g_string_append_printf(to, "%*s", padding, "");
}

const char *text_glyph(const char *utf8, const char *ascii)
{
    return g_get_charset(NULL) ? utf8 : ascii;
}
