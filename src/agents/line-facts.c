/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/line-facts.h"

#include <string.h>

#include "base/json-scan.h"

#define MAX_COUNT (G_GUINT64_CONSTANT(1) << 53)

/* More is no cost. */
#define MAX_COST_USD 1e12

void line_read_text(LineJson json, const char *path, DecodedLine *line)
{
    char *text = line_json_dup_string(json, path);
    if (!text)
        return;
    if (!line->texts)
        line->texts = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(line->texts, text);
}

char *line_dup_string(LineJson json, const char *path)
{
    g_autofree char *text = line_json_dup_string(json, path);
    return text && *text ? g_steal_pointer(&text) : NULL;
}

void line_read_session(LineJson json, const char *path, DecodedLine *line)
{
    line->facts.session_id = line_dup_string(json, path);
}

static void add_element(LineJson element, gpointer line)
{
    line_read_text(element, "text", line);
}

void line_read_texts(LineJson json, const char *path, DecodedLine *line)
{
    line_json_foreach(json, path, add_element, line);
}

void line_read_cost(LineJson json, const char *path, Usage *usage)
{
    double cost;
    if (!line_json_double(json, path, MAX_COST_USD, &cost))
        return;
    usage->has_cost = TRUE;
    usage->cost_usd += cost;
}

void line_read_count(LineJson json, const char *path, UsageCount count, Usage *usage)
{
    guint64 value;
    if (!path || !line_json_uint(json, path, MAX_COUNT, &value))
        return;
    usage->has[count] = TRUE;
    usage->counts[count] += value;
}

void line_read_tokens(LineJson json, Usage *usage, LineTokens paths)
{
    Usage read = {0};
    line_read_count(json, paths.input, USAGE_INPUT_TOKENS, &read);
    line_read_count(json, paths.cached, USAGE_CACHED_INPUT_TOKENS, &read);
    line_read_count(json, paths.output, USAGE_OUTPUT_TOKENS, &read);
    if (paths.input_is_rest && read.has[USAGE_INPUT_TOKENS]) {
        read.counts[USAGE_INPUT_TOKENS] += read.counts[USAGE_CACHED_INPUT_TOKENS];
        line_read_count(json, paths.written, USAGE_INPUT_TOKENS, &read);
    }
    usage_add(usage, &read);
}

/* --- Words --- */

static char *find_message(const char *text, const JsonTape *tape)
{
    static const char *const paths[] = {"error.message", "message", "error", "detail"};
    g_auto(LineDocument) document = line_document(text, tape);
    char *message = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(paths) && !message; i++)
        message = line_dup_string(line_document_root(&document), paths[i]);
    return message;
}

/* The message of the object that is @length bytes of @text, or NULL. Caller frees. */
static char *message_of(const char *text, gsize length)
{
    JsonScan scan;
    JsonTape tape;
    json_scan_init(&scan);
    json_tape_init(&tape);
    json_scan_record(&scan, &tape);
    gboolean object = json_scan_push(&scan, text, length) && json_scan_finish(&scan);
    char *message = object ? find_message(text, &tape) : NULL;
    json_tape_clear(&tape);
    return message;
}

/* @error with the message in place of a JSON body: `401: {"message":"no key"}` is "401: no key".
 * Such a message may hold a body itself. */
static char *plain_words(char *error)
{
    for (int depth = 0; error && depth < 4; depth++) {
        const char *open = strchr(error, '{');
        const char *close = open ? strrchr(open, '}') : NULL;
        g_autofree char *message = close ? message_of(open, (gsize)(close + 1 - open)) : NULL;
        if (!message)
            break;
        char *words = g_strdup_printf("%.*s%s%s", (int)(open - error), error, message, close + 1);
        g_free(error);
        error = words;
    }
    return error;
}

void line_close_run(DecodedLine *line, gboolean success, char *error)
{
    line->facts.closing = TRUE;
    line->facts.success = success;
    line->facts.error = plain_words(error);
}

/* --- Lines --- */

void line_settle(DecodedLine *line, char *name)
{
    if (!name)
        return;
    if (!line->facts.settled)
        line->facts.settled = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(line->facts.settled, name);
}

void line_read_assistant(LineJson json, DecodedLine *line)
{
    line->facts.assistant = TRUE;
}

static gboolean line_matches(const KindLine *line, const char *type)
{
    return !line->type || g_str_equal(line->type, type);
}

void line_facts_read(const AgentKind *kind, const char *type, const char *json,
                     const JsonTape *tape, DecodedLine *line)
{
    g_auto(LineDocument) document = line_document(json, tape);
    for (const KindLine *known = kind->lines; known && known->read; known++)
        if (line_matches(known, type))
            known->read(line_document_root(&document), line);
}

void line_facts_read_long(const AgentKind *kind, const char *type, const char *json, gsize length,
                          DecodedLine *line)
{
    for (const KindLine *known = kind->lines; known && known->read; known++) {
        if (known->read_long && line_matches(known, type))
            known->read_long(json, length, line);
    }
}

/* --- Lines that are too long: they are valid objects, so little needs checking --- */

/* Where the string that begins at @p, with its quote, has ended. */
static const char *skip_string(const char *p)
{
    for (p++; *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p + 1;
}

/* The line does not end in a NUL: it is looked at where it was read. */
static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

static gboolean begins_with(const char *p, const char *end, const char *text)
{
    gsize length = strlen(text);
    return (gsize)(end - p) >= length && memcmp(p, text, length) == 0;
}

/* Whether @key, written with its quotes, is a top-level member of @json that begins as @value. */
static gboolean top_level_is(const char *json, gsize length, const char *key, const char *value)
{
    const char *end = json + length;
    gboolean matches = FALSE;
    int depth = 0;
    for (const char *p = json; p < end;) {
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        if (*p != '"') {
            p++;
            continue;
        }
        gboolean is_key = depth == 1 && begins_with(p, end, key);
        p = skip_space(skip_string(p), end);
        if (is_key && begins_with(p, end, ":")) {
            p = skip_space(p + 1, end);
            matches = begins_with(p, end, value);
        }
    }
    return matches;
}

void line_read_long_result(const char *json, gsize length, DecodedLine *line)
{
    line_close_run(line, !top_level_is(json, length, "\"is_error\"", "true"), NULL);
}
