/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/decoder.h"

#include "base/json-scan.h"
#include "base/line-clean.h"
#include "agents/line-facts.h"

static void read_facts(const AgentKind *kind, const JsonScan *scan, const char *text, gsize length,
                       DecodedLine *ret)
{
    if (scan->tape)
        line_facts_read(kind, json_scan_type(scan), text, scan->tape, ret);
    else
        line_facts_read_long(kind, json_scan_type(scan), text, length, ret);
}

/* Whether @text is an object: then its class, texts and facts are in @ret. */
static gboolean decode_object(const AgentKind *kind, const char *text, gsize length,
                              DecodedLine *ret)
{
    JsonScan scan;
    JsonTape tape;
    json_scan_init(&scan);
    json_tape_init(&tape);
    if (length <= DECODER_MAX_PARSED && kind->lines)
        json_scan_record(&scan, &tape);
    gboolean object = json_scan_push(&scan, text, length) && json_scan_finish(&scan);
    if (object) {
        ret->class = LINE_JSON;
        read_facts(kind, &scan, text, length, ret);
    }
    json_tape_clear(&tape);
    return object;
}

void decode_line(const AgentKind *kind, const char *line, gsize length, DecodedLine *ret)
{
    const char *whole = line;
    gsize whole_length = length;
    *ret = (DecodedLine){.class = LINE_NOTHING};

    line_trim(&line, &length);
    if (length == 0)
        return;
    ret->text = line;
    ret->length = length;
    if (decode_object(kind, line, length, ret))
        return;
    if (line_is_clean(line, length)) {
        ret->class = LINE_OUTPUT;
        ret->shown = line_shown(whole, whole_length);
        return;
    }
    ret->text = ret->cleaned = line_clean(line, length, &ret->length);
    if (ret->length == 0)
        ret->text = NULL;
    else if (!decode_object(kind, ret->text, ret->length, ret)) {
        ret->class = LINE_OUTPUT;
        ret->shown = line_shown(whole, whole_length);
    }
}
