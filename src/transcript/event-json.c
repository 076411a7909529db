/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/event-json.h"

#include <string.h>

#include "base/json-plain.h"

static const char hex[] = "0123456789abcdef";

/* How many bytes at @text go into a string as they are. */
static gsize plain_length(const char *text, const char *end)
{
    const char *p = text;
    for (; end - p >= 8; p += 8) {
        guint64 special = json_find_special(json_load_eight(p));
        if (special)
            return (gsize)(p - text) + (gsize)__builtin_ctzll(special) / 8;
    }
    while (p < end && (guchar)*p >= 0x20 && *p != '"' && *p != '\\')
        p++;
    return (gsize)(p - text);
}

static void append_escape(GString *to, guchar c)
{
    static const char shorthand[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    gssize length = 2;
    if (c >= 0x20)
        escape[1] = (char)c;
    else if (c < sizeof(shorthand) && shorthand[c])
        escape[1] = shorthand[c];
    else
        length = sizeof(escape);
    g_string_append_len(to, escape, length);
}

/* @text must be valid UTF-8. */
static void append_string(GString *to, const char *text, gsize length)
{
    const char *end = text + length;
    g_string_append_c(to, '"');
    for (const char *p = text; p < end;) {
        gsize plain = plain_length(p, end);
        g_string_append_len(to, p, (gssize)plain);
        p += plain;
        if (p < end)
            append_escape(to, (guchar)*p++);
    }
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

/* What all events of a run have in common, as it stands in each. */
static GString *describe_run(const RunIdentity *identity)
{
    GString *run = g_string_sized_new(256);
    append_member(run, ",\"story_id\":", identity->story);
    append_member(run, ",\"agent_name\":", identity->agent);
    append_member(run, ",\"project_root\":", identity->project_root);
    append_member(run, ",\"run_id\":", identity->run_id);
    return run;
}

static void append_event(GString *to, const GString *run, const Event *event, gsize max)
{
    append_member(to, "{\"type\":", event_type_to_string(event->type));
    g_string_append_len(to, run->str, (gssize)run->len);
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

void event_append_json(GString *to, const RunIdentity *identity, const Event *event, gsize max)
{
    GString *run = describe_run(identity);
    append_event(to, run, event, max);
    g_string_free(run, TRUE);
}

/* About as many bytes as the batch takes, so that the text need not move while it grows. */
static gsize estimate(const EventBatch *batch, const GString *run)
{
    gsize size = 0;
    for (guint i = 0; i < batch->events->len; i++)
        size += run->len + 128 + event_batch_get(batch, i)->length;
    return size + size / 8;
}

GBytes *event_batch_ndjson(EventBatch *batch)
{
    if (!batch->ndjson) {
        GString *run = describe_run(batch->identity);
        GString *text = g_string_sized_new(estimate(batch, run));
        for (guint i = 0; i < batch->events->len; i++) {
            append_event(text, run, event_batch_get(batch, i), 0);
            g_string_append_c(text, '\n');
        }
        batch->ndjson = g_string_free_to_bytes(text);
        g_string_free(run, TRUE);
    }
    return g_bytes_ref(batch->ndjson);
}
