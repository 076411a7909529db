/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/text.h"

#include <string.h>

#define TAB "    "
#define SHORTEST_WORD 8
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

/* ASCII forms of our own signs, for locales that have nothing else. An agent's letters pass as they
 * are: they have no other form. */
static const char *ascii_sign(gunichar c)
{
    static const struct {
        gunichar sign;
        const char *ascii;
    } signs[] = {{0x2026, "..."}, {REPLACEMENT, "?"}};

    for (gsize i = 0; i < G_N_ELEMENTS(signs); i++)
        if (signs[i].sign == c)
            return signs[i].ascii;
    return NULL;
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

static void append_harmless(GString *clean, gunichar c, gboolean utf8)
{
    const char *sign = utf8 ? NULL : ascii_sign(harmless(c));
    if (!utf8 && (c < 0x20 || c == 0x7F))
        g_string_append_printf(clean, "^%c", (char)(c ^ 0x40));
    else if (sign)
        g_string_append(clean, sign);
    else
        g_string_append_unichar(clean, harmless(c));
}

char *text_clean(const char *text, gboolean keep_newlines)
{
    gboolean utf8 = g_get_charset(NULL);
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
            append_harmless(clean, c, utf8);
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

static char **widest_word(GStrv words)
{
    char **widest = words;
    for (char **word = words; *word; word++)
        if (text_width(*word) > text_width(*widest))
            widest = word;
    return widest;
}

char *text_shorten(const char *text, int width)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    char **widest = widest_word(words);
    int excess = text_width(text) - width;
    if (excess > 0 && *widest) {
        int word_width = text_width(*widest);
        char *cut = text_ellipsize(*widest, MAX(word_width - excess, SHORTEST_WORD));
        g_free(*widest);
        *widest = cut;
    }
    g_autofree char *joined = g_strjoinv(" ", words);
    return text_ellipsize(joined, width);
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

static const char *component_before(const char *path, const char *end)
{
    if (end > path && end[-1] == '/')
        end--;
    while (end > path && end[-1] != '/')
        end--;
    return end;
}

static gboolean is_tail(const char *path, const char *tail)
{
    gsize length = strlen(path), tail_length = strlen(tail);
    return g_str_has_suffix(path, tail) &&
           (length == tail_length || path[length - tail_length - 1] == '/');
}

const char *text_path_tail(const char *path, const char *other)
{
    const char *tail = path + strlen(path);
    do
        tail = component_before(path, tail);
    while (tail > path && is_tail(other, tail));
    return tail;
}

const char *text_glyph(const char *utf8, const char *ascii)
{
    return g_get_charset(NULL) ? utf8 : ascii;
}

guint text_distance(const char *a, const char *b)
{
    gsize width = strlen(b) + 1;
    g_autofree guint *rows = g_new(guint, 3 * width);
    guint *before = rows, *last = rows + width, *row = rows + 2 * width;
    for (gsize j = 0; j < width; j++)
        row[j] = (guint)j;
    for (gsize i = 1; a[i - 1]; i++) {
        guint *oldest = before;
        before = last, last = row, row = oldest;
        row[0] = (guint)i;
        for (gsize j = 1; j < width; j++) {
            row[j] = MIN(MIN(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
    }
    return row[width - 1];
}
