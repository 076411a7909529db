/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/text-join.h"

#include <string.h>

guint64 text_join_block(guint64 offset)
{
    return offset - offset % TEXT_BLOCK;
}

void text_join_begin(TextJoin *join, guint64 offset)
{
    join->offset = offset;
    if (join->text)
        g_string_truncate(join->text, 0);
    g_clear_pointer(&join->message, g_free);
}

void text_join_clear(TextJoin *join)
{
    if (join->text)
        g_string_free(join->text, TRUE);
    g_free(join->message);
    *join = (TextJoin){0};
}

/* Puts out the first @length bytes, without the newlines at their end. */
static void put_out(TextJoin *join, gsize length, DecodedLine *line)
{
    gsize shown = length;
    while (shown > 0 && join->text->str[shown - 1] == '\n')
        shown--;
    if (shown > 0) {
        if (!line->texts)
            line->texts = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(line->texts, g_strndup(join->text->str, shown));
    }
    g_string_erase(join->text, 0, (gssize)length);
}

static void put_out_rest(TextJoin *join, DecodedLine *line)
{
    if (join->text)
        put_out(join, join->text->len, line);
}

static void take_piece(TextJoin *join, DecodedLine *line)
{
    if (!join->text)
        join->text = g_string_new(NULL);
    g_string_append(join->text, line->piece);
    const char *newline = strrchr(join->text->str, '\n');
    if (newline)
        put_out(join, (gsize)(newline + 1 - join->text->str), line);
    g_free(join->message);
    join->message = g_steal_pointer(&line->message);
}

void text_join_take(TextJoin *join, DecodedLine *line, guint64 end)
{
    gboolean another = line->piece && g_strcmp0(line->message, join->message) != 0;
    if (line->ends_it || another)
        put_out_rest(join, line);
    if (line->piece)
        take_piece(join, line);
    if (text_join_block(end) != text_join_block(join->offset))
        put_out_rest(join, line);
    join->offset = end;
}
