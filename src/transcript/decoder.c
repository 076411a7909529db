/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/decoder.h"

#include "base/json-scan.h"
#include "base/line-clean.h"
#include "agents/line-facts.h"

/* Whether @text is an object: then its class, texts and facts are in @ret. */
static gboolean decode_object(const AgentKind *kind, const char *text, gsize length,
                              DecodedLine *ret)
{
    JsonScan scan;

    json_scan_init(&scan);
    if (!json_scan_push(&scan, text, length) || !json_scan_finish(&scan))
        return FALSE;
    ret->class = LINE_JSON;
    if (length <= DECODER_MAX_PARSED)
        line_facts_read(kind, json_scan_type(&scan), text, length, ret);
    else
        line_facts_read_long(kind, json_scan_type(&scan), text, length, ret);
    return TRUE;
}

void decode_line(const AgentKind *kind, const char *line, gsize length, DecodedLine *ret)
{
    const char *whole = line;
    gsize whole_length = length;
    *ret = (DecodedLine){.class = LINE_NOTHING};

    line_trim(&line, &length);
    if (decode_object(kind, line, length, ret)) {
        ret->text = g_strndup(line, length);
        ret->length = length;
        return;
    }

    ret->text = line_clean(line, length, &ret->length);
    if (ret->length == 0)
        g_clear_pointer(&ret->text, g_free);
    else if (!decode_object(kind, ret->text, ret->length, ret)) {
        ret->class = LINE_OUTPUT;
        ret->shown = line_shown(whole, whole_length);
    }
}
