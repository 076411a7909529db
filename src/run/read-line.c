/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/read-line.h"

#include <unistd.h>

#include "base/error.h"
#include "base/json-scan.h"
#include "transcript/decoder.h"

struct ReadLine {
    char *bytes;
    DecodedLine line;
    JsonTape tape;
    LineDocument document;
};

static gboolean read_bytes(const Run *run, const LinePlace *place, ReadLine *line)
{
    gsize size = (gsize)(place->end - place->offset);
    RunLogState state;
    run_log_get_state(run_get_log(run), &state);
    line->bytes = g_malloc(size + 1);
    if (pread(state.transcript_fd, line->bytes, size, (off_t)place->offset) != (ssize_t)size)
        return FALSE;
    decode_line(run_get_record(run)->kind, line->bytes, size, &line->line);
    return line->line.class == LINE_JSON;
}

static gboolean scan_json(ReadLine *line)
{
    JsonScan scan;
    json_scan_init(&scan);
    json_scan_record(&scan, &line->tape);
    return json_scan_push(&scan, line->line.text, line->line.length) && json_scan_finish(&scan);
}

ReadLine *run_read_line(const Run *run, const LinePlace *place, GError **error)
{
    g_autoptr(ReadLine) line = g_new0(ReadLine, 1);
    json_tape_init(&line->tape);
    if (!read_bytes(run, place, line) || !scan_json(line)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "line %" G_GUINT64_FORMAT " of run %s cannot be read back from its transcript",
                    place->id, run_get_id(run));
        return NULL;
    }
    line->document = line_document(line->line.text, &line->tape);
    return g_steal_pointer(&line);
}

void read_line_free(ReadLine *line)
{
    if (!line)
        return;
    line_document_clear(&line->document);
    json_tape_clear(&line->tape);
    decoded_line_clear(&line->line);
    g_free(line->bytes);
    g_free(line);
}

LineJson read_line_json(ReadLine *line)
{
    return line_document_root(&line->document);
}
