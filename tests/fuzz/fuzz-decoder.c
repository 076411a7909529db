/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <string.h>

#include "transcript/decoder.h"
#include "base/json-scan.h"

/*
 * Any bytes through the decoder, as every kind. The seeds are what real agents printed.
 */

static gboolean is_object(const char *text, gsize length, gsize split)
{
    JsonScan scan;

    json_scan_init(&scan);
    json_scan_push(&scan, text, split);
    json_scan_push(&scan, text + split, length - split);
    return json_scan_finish(&scan);
}

static void check_texts(const DecodedLine *line)
{
    for (guint i = 0; line->texts && i < line->texts->len; i++)
        fuzz_check(g_utf8_validate(line->texts->pdata[i], -1, NULL));
    fuzz_check(!line->facts.session_id || g_utf8_validate(line->facts.session_id, -1, NULL));
    fuzz_check(!line->facts.error || g_utf8_validate(line->facts.error, -1, NULL));
}

static void check_line(const DecodedLine *line)
{
    if (line->class == LINE_NOTHING) {
        fuzz_check(!line->text && line->length == 0);
        return;
    }
    fuzz_check(line->length > 0 && !memchr(line->text, '\0', line->length));
    fuzz_check(g_utf8_validate_len(line->text, line->length, NULL));
    fuzz_check(is_object(line->text, line->length, 0) == (line->class == LINE_JSON));
    check_texts(line);
}

static void decode(const AgentKind *kind, const char *bytes, gsize length)
{
    g_auto(DecodedLine) line = {0};

    decode_line(kind, bytes, length, &line);
    check_line(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    gsize split = size > 0 ? data[size - 1] % size : 0;

    fuzz_check(is_object(bytes, size, 0) == is_object(bytes, size, split));
    for (const char *end = bytes + size; bytes < end;) {
        const char *newline = memchr(bytes, '\n', (gsize)(end - bytes));
        gsize length = (gsize)((newline ? newline : end) - bytes);

        for (const AgentKind *const *kind = agent_kinds(); *kind; kind++)
            decode(*kind, bytes, length);
        bytes += newline ? length + 1 : length;
    }
    return 0;
}
