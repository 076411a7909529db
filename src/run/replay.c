/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/replay.h"

#include <string.h>

#define ENQUIRY 0x05
#define BELL 0x07
#define ESC 0x1B

/* Queries that begin with ESC [: by the character after that ("<=>?", 0: none), the one before the
 * last (0: none) and the last. */
static const struct {
    char prefix, intermediate, final;
} queries[] = {
    {0, 0, 'c'},    {'>', 0, 'c'},   {'=', 0, 'c'}, /* device attributes */
    {0, 0, 'n'},    {'?', 0, 'n'},                  /* status, the cursor's place, dark or light */
    {0, '$', 'p'},  {'?', '$', 'p'},                /* modes */
    {'?', 0, 'u'},  {'?', 0, 'm'},                  /* key protocols */
    {'>', 0, 'q'},                                  /* the terminal's version */
    {'?', 0, 'S'},                                  /* graphics */
    {0, 0, 'x'},    {0, '$', 'w'},   {0, '*', 'y'}, /* parameters, presentation, checksum */
    {0, '\'', '|'}, {0, '&', 'u'},   {0, '"', 'v'}, /* locator, character set, what is displayed */
};

static gboolean is_size_query(const char *parameters)
{
    guint64 number = g_ascii_strtoull(parameters, NULL, 10);
    return number == 11 || (number >= 13 && number <= 16) || (number >= 18 && number <= 21);
}

/* @text is what stands between ESC [ and the last character. */
static gboolean is_control_query(const char *text, gsize length, char final)
{
    g_autofree char *parameters = g_strndup(text, length);
    char prefix = length > 0 && *text >= '<' && *text <= '?' ? *text : 0;
    char last = length > 0 ? text[length - 1] : 0;
    char intermediate = last >= ' ' && last <= '/' ? last : 0;
    if (final == 't' && prefix == 0 && intermediate == 0)
        return is_size_query(parameters);
    for (gsize i = 0; i < G_N_ELEMENTS(queries); i++)
        if (queries[i].prefix == prefix && queries[i].intermediate == intermediate &&
            queries[i].final == final)
            return TRUE;
    return FALSE;
}

/* @kind is the character after ESC: commands (colours, the clipboard), device strings, and what
 * graphics protocols use. */
static gboolean is_string_query(char kind, const char *text, gsize length)
{
    g_autofree char *string = g_strndup(text, length);
    if (kind == ']')
        return strstr(string, ";?") || strstr(string, "=?") || strstr(string, ";Report");
    if (kind == 'P') {
        const char *request = string + strspn(string, "0123456789;");
        return g_str_has_prefix(request, "+q") || g_str_has_prefix(request, "$q");
    }
    return kind == '_' && string[0] == 'G';
}

/* The length of the sequence ESC [ … at @bytes, 0 if it is none or incomplete. */
static gsize control_length(const guchar *bytes, gsize length)
{
    gsize i = 2;
    while (i < length && bytes[i] >= 0x20 && bytes[i] < 0x40)
        i++;
    return i < length && bytes[i] >= 0x40 && bytes[i] < 0x7F ? i + 1 : 0;
}

/* The same for one that ends in BEL or ESC \; @ret_text gets the length of its content. */
static gsize string_length(const guchar *bytes, gsize length, gsize *ret_text)
{
    for (gsize i = 2; i < length; i++) {
        *ret_text = i - 2;
        if (bytes[i] == BELL)
            return i + 1;
        if (bytes[i] == ESC)
            return i + 1 < length && bytes[i + 1] == '\\' ? i + 2 : 0;
    }
    return 0;
}

/* The length of the sequence at @bytes, which begin with ESC, and whether a terminal answers it.
 * Anything else is one byte. */
static gsize take_sequence(const guchar *bytes, gsize length, gboolean *ret_query)
{
    const char *text = (const char *)bytes + 2;
    gsize n = 0, n_text = 0;
    *ret_query = length > 1 && bytes[1] == 'Z';
    if (*ret_query)
        return 2;
    if (length > 1 && bytes[1] == '[') {
        n = control_length(bytes, length);
        *ret_query = n > 0 && is_control_query(text, n - 3, (char)bytes[n - 1]);
    } else if (length > 1 && strchr("]P_", bytes[1])) {
        n = string_length(bytes, length, &n_text);
        *ret_query = n > 0 && is_string_query((char)bytes[1], text, n_text);
    }
    return MAX(n, 1);
}

GByteArray *replay_without_queries(const char *bytes, gsize length)
{
    GByteArray *replay = g_byte_array_sized_new((guint)length);
    const guchar *p = (const guchar *)bytes;
    for (gsize i = 0, n; i < length; i += n) {
        gboolean query = p[i] == ENQUIRY;
        n = p[i] == ESC ? take_sequence(p + i, length - i, &query) : 1;
        if (!query)
            g_byte_array_append(replay, p + i, (guint)n);
    }
    return replay;
}
