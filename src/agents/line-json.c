/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/line-json.h"

#include <string.h>

void line_document_clear(LineDocument *document)
{
    g_clear_pointer(&document->strings, g_ptr_array_unref);
}

/* --- Looking up --- */

static const JsonToken *token_of(LineJson json)
{
    return json.document ? &json.document->tape->tokens[json.index] : NULL;
}

static LineJson find_member(LineJson json, const char *name, gsize length)
{
    const JsonToken *token = token_of(json);
    if (!token || token->type != JSON_OBJECT)
        return (LineJson){NULL, 0};
    guint32 member =
        json_tape_member(json.document->tape, json.document->text, json.index, name, length);
    return member > 0 ? (LineJson){json.document, member} : (LineJson){NULL, 0};
}

static LineJson find(LineJson json, const char *path)
{
    while (*path && json.document) {
        gsize length = strcspn(path, ".");
        json = find_member(json, path, length);
        path += length + (path[length] == '.');
    }
    return json;
}

static const JsonToken *find_token(LineJson json, const char *path)
{
    return token_of(find(json, path));
}

static const JsonToken *find_string(LineJson json, const char *path)
{
    const JsonToken *token = find_token(json, path);
    return token && token->type == JSON_STRING ? token : NULL;
}

/* --- Access --- */

char *line_json_dup_string(LineJson json, const char *path)
{
    const JsonToken *token = find_string(json, path);
    if (!token)
        return NULL;
    char *string = g_malloc(token->end - token->begin + 1);
    string[json_string_decode(json.document->text, token, string)] = '\0';
    return string;
}

const char *line_json_string(LineJson json, const char *path)
{
    char *string = line_json_dup_string(json, path);
    if (!string)
        return NULL;
    if (!json.document->strings)
        json.document->strings = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(json.document->strings, string);
    return string;
}

/* The text is a valid object: each quote and bracket has its other one, and something ends every
 * value. */
static const char *skip_string(const char *p)
{
    for (p++; *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p + 1;
}

static const char *skip_container(const char *p)
{
    int depth = 0;
    do {
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        p = *p == '"' ? skip_string(p) : p + 1;
    } while (depth > 0);
    return p;
}

char *line_json_dup_raw(LineJson json, const char *path)
{
    const JsonToken *token = find_token(json, path);
    if (!token)
        return NULL;
    const char *text = json.document->text, *begin = text + token->begin, *end = begin;
    if (token->type == JSON_STRING)
        return g_strndup(begin - 1, token->end - token->begin + 2);
    if (token->type == JSON_OBJECT || token->type == JSON_ARRAY)
        return g_strndup(begin, (gsize)(skip_container(begin) - begin));
    while (g_ascii_isalnum(*end) || *end == '-' || *end == '+' || *end == '.')
        end++;
    return g_strndup(begin, (gsize)(end - begin));
}

gboolean line_json_is(LineJson json, const char *path, const char *expected)
{
    const JsonToken *token = find_string(json, path);
    return token && json_string_is(json.document->text, token, expected, strlen(expected));
}

gboolean line_json_is_set(LineJson json, const char *path)
{
    const JsonToken *token = find_token(json, path);
    return token && token->type != JSON_NULL && token->type != JSON_FALSE;
}

gboolean line_json_double(LineJson json, const char *path, double max, double *ret)
{
    const JsonToken *token = find_token(json, path);
    if (!token || token->type != JSON_NUMBER)
        return FALSE;
    /* In an object, a number is always followed by a character that ends it. */
    double value = g_ascii_strtod(json.document->text + token->begin, NULL);
    if (!(value >= 0 && value <= max)) /* 1e999 is infinite */
        return FALSE;
    *ret = value;
    return TRUE;
}

gboolean line_json_uint(LineJson json, const char *path, guint64 max, guint64 *ret)
{
    double value;
    if (!line_json_double(json, path, (double)max, &value))
        return FALSE;
    *ret = (guint64)value;
    return TRUE;
}

void line_json_foreach(LineJson json, const char *path, void (*each)(LineJson value, gpointer data),
                       gpointer data)
{
    LineJson container = find(json, path);
    const JsonToken *token = token_of(container);
    if (!token || (token->type != JSON_ARRAY && token->type != JSON_OBJECT))
        return;
    const JsonToken *tokens = container.document->tape->tokens;
    guint32 name = token->type == JSON_OBJECT ? 1 : 0;
    for (guint32 i = container.index + 1; i < token->next; i = tokens[i + name].next)
        each((LineJson){container.document, i + name}, data);
}
