/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/event-json.h"

static const char hex[] = "0123456789abcdef";

/* @text must be valid UTF-8. */
static void append_string(GString *to, const char *text, gsize length)
{
    static const char shorthand[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    const char *end = text + length, *plain = text;

    g_string_append_c(to, '"');
    for (const char *p = text; p < end; p++) {
        guchar c = (guchar)*p;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        g_string_append_len(to, plain, p - plain);
        plain = p + 1;
        g_string_append_c(to, '\\');
        if (c >= 0x20) {
            g_string_append_c(to, (char)c);
        } else if (c < sizeof(shorthand) && shorthand[c]) {
            g_string_append_c(to, shorthand[c]);
        } else {
            const char escape[] = {'u', '0', '0', hex[c >> 4], hex[c & 15]};
            g_string_append_len(to, escape, sizeof(escape));
        }
    }
    g_string_append_len(to, plain, end - plain);
    g_string_append_c(to, '"');
}

static void append_uint(GString *to, guint64 value)
{
    char digits[20];
    char *p = digits + sizeof(digits);
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    g_string_append_len(to, p, digits + sizeof(digits) - p);
}

static void append_member(GString *to, const char *name, const char *value)
{
    g_string_append(to, name);
    append_string(to, value, strlen(value));
}

static void append_variant(GString *to, GVariant *value)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_STRING:
        append_string(to, g_variant_get_string(value, NULL),
                      strlen(g_variant_get_string(value, NULL)));
        return;
    case G_VARIANT_CLASS_DOUBLE:
        g_string_append(to, g_ascii_dtostr(number, sizeof(number), g_variant_get_double(value)));
        return;
    default: {
        g_autofree char *text = g_variant_print(value, FALSE);
        g_string_append(to, text);
        return;
    }
    }
}

static void append_details(GString *to, GVariant *details)
{
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_variant_iter_init(&iter, details);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        g_string_append_printf(to, ",\"%s\":", key);
        append_variant(to, value);
    }
}

static void append_text(GString *to, const Event *event, gsize max)
{
    gsize length = max ? event_cut_length(event->text, event->length, max) : event->length;
    gboolean cut = length < event->length || event->full_length > 0;
    if (event->type == EVENT_OUTPUT || !cut) {
        g_string_append(to, event->type == EVENT_OUTPUT ? ",\"text\":" : ",\"data\":");
        if (event->type == EVENT_OUTPUT)
            append_string(to, event->text, length);
        else
            g_string_append_len(to, event->text, (gssize)event->length);
    }
    if (event->shown && !cut)
        append_member(to, ",\"shown\":", event->shown);
    if (cut) {
        g_string_append(to, ",\"truncated\":true,\"length\":");
        append_uint(to, event->full_length ? event->full_length : event->length);
    }
}

void event_append_json(GString *to, const RunIdentity *identity, const Event *event, gsize max)
{
    append_member(to, "{\"type\":", event_type_to_string(event->type));
    append_member(to, ",\"story_id\":", identity->story);
    append_member(to, ",\"agent_name\":", identity->agent);
    append_member(to, ",\"project_root\":", identity->project_root);
    append_member(to, ",\"run_id\":", identity->run_id);
    g_string_append(to, ",\"cursor\":");
    append_uint(to, event->cursor);
    g_string_append(to, ",\"time\":");
    append_uint(to, event->time);
    if (event->details)
        append_details(to, event->details);
    else if (event->type == EVENT_STATUS)
        append_member(to, ",\"status\":", event->text);
    else
        append_text(to, event, max);
    g_string_append_c(to, '}');
}

GBytes *event_batch_ndjson(EventBatch *batch)
{
    if (!batch->ndjson) {
        GString *text = g_string_sized_new(64 * 1024);
        for (guint i = 0; i < batch->events->len; i++) {
            event_append_json(text, batch->identity, event_batch_get(batch, i), 0);
            g_string_append_c(text, '\n');
        }
        batch->ndjson = g_string_free_to_bytes(text);
    }
    return g_bytes_ref(batch->ndjson);
}
