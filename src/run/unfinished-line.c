/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/unfinished-line.h"

#include <string.h>
#include <unistd.h>

#include "base/line-clean.h"

#define MAX_BYTES 4096u

/* The bytes that UTF-8 continues a character with. */
static gboolean is_continuation(char c)
{
    return ((guchar)c & 0xc0) == 0x80;
}

char *unfinished_line_read(int transcript_fd, guint64 start, guint64 end)
{
    char bytes[MAX_BYTES];
    guint64 from = end - start > sizeof(bytes) ? end - sizeof(bytes) : start;
    ssize_t n = pread(transcript_fd, bytes, (size_t)(end - from), (off_t)from);
    if (n <= 0)
        return NULL;

    const char *text = bytes;
    gsize length = (gsize)n;
    while (length > 0 && text[length - 1] == '\r')
        length--;
    const char *redrawn = memrchr(text, '\r', length);
    const char *begin = redrawn ? redrawn + 1 : text;
    while (from > start && begin < text + length && is_continuation(*begin))
        begin++; /* of the character that the limit has cut */
    g_autofree char *line = line_clean(begin, (gsize)(text + length - begin), &length);
    return length > 0 ? g_steal_pointer(&line) : NULL;
}
