/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/line-json.h"

#include <string.h>

/* Parsing */

/* The code unit of the escape at @p, or 0 where there is none: what we look for next is never 0. */
static guint escaped_unit(const char *p, const char *end)
{
    guint unit = 0;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return 0;
    for (int i = 2; i < 6; i++)
        unit = unit << 4 | (guint)g_ascii_xdigit_value(p[i]);
    return unit;
}

/* The next escape of a NUL or of half a surrogate pair. Outside of strings an object has no
 * backslash. */
static const char *find_bad_escape(const char *p, const char *end)
{
    while ((p = memchr(p, '\\', (gsize)(end - p)))) {
        guint unit, next;

        if (p[1] != 'u') {
            p += 2;
            continue;
        }
        unit = escaped_unit(p, end);
        next = escaped_unit(p + 6, end);
        if (unit >= 0xD800 && unit <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF)
            p += 12;
        else if (unit == 0 || (unit >= 0xD800 && unit <= 0xDFFF))
            return p;
        else
            p += 6;
    }
    return NULL;
}

/* A copy of @text in which every bad escape is that of U+FFFD, or NULL where it has none. */
static char *replace_bad_escapes(const char *text, gsize length)
{
    const char *bad = find_bad_escape(text, text + length);
    char *copy;

    if (!bad)
        return NULL;
    copy = g_strndup(text, length);
    while (bad) {
        gsize at = (gsize)(bad - text);

        memcpy(copy + at, "\\ufffd", 6);
        bad = find_bad_escape(bad + 6, text + length);
    }
    return copy;
}

JsonObject *line_json_parse(const char *text, gsize length)
{
    g_autofree char *replaced = replace_bad_escapes(text, length);
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    JsonNode *root;

    if (!json_parser_load_from_data(parser, replaced ? replaced : text, (gssize)length, NULL))
        return NULL;
    root = json_parser_get_root(parser);
    return root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_dup_object(root) : NULL;
}

/* Looking up */

static JsonNode *find_node(JsonObject *object, const char *path)
{
    const char *dot;

    while ((dot = strchr(path, '.'))) {
        g_autofree char *name = g_strndup(path, (gsize)(dot - path));
        JsonNode *node = json_object_get_member(object, name);

        if (!node || !JSON_NODE_HOLDS_OBJECT(node))
            return NULL;
        object = json_node_get_object(node);
        path = dot + 1;
    }
    return json_object_get_member(object, path);
}

static gboolean holds(JsonNode *node, GType type)
{
    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

JsonObject *line_json_object(JsonObject *object, const char *path)
{
    JsonNode *node = find_node(object, path);

    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

JsonArray *line_json_array(JsonObject *object, const char *path)
{
    JsonNode *node = find_node(object, path);

    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

const char *line_json_string(JsonObject *object, const char *path)
{
    JsonNode *node = find_node(object, path);

    return holds(node, G_TYPE_STRING) ? json_node_get_string(node) : NULL;
}

JsonObject *line_json_element(JsonArray *array, guint index)
{
    JsonNode *node = json_array_get_element(array, index);

    return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

char *line_json_join(JsonArray *array)
{
    g_autoptr(GString) joined = g_string_new(NULL);

    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);

        if (holds(node, G_TYPE_STRING))
            g_string_append_printf(joined, "%s%s", joined->len > 0 ? "; " : "",
                                   json_node_get_string(node));
    }
    return joined->len > 0 ? g_string_free(g_steal_pointer(&joined), FALSE) : NULL;
}

gboolean line_json_is(JsonObject *object, const char *path, const char *expected)
{
    return g_strcmp0(line_json_string(object, path), expected) == 0;
}

gboolean line_json_is_set(JsonObject *object, const char *path)
{
    JsonNode *node = find_node(object, path);

    if (!node || JSON_NODE_HOLDS_NULL(node))
        return FALSE;
    return !holds(node, G_TYPE_BOOLEAN) || json_node_get_boolean(node);
}

gboolean line_json_double(JsonObject *object, const char *path, double max, double *ret)
{
    JsonNode *node = find_node(object, path);
    double value;

    if (!holds(node, G_TYPE_INT64) && !holds(node, G_TYPE_DOUBLE))
        return FALSE;
    value = json_node_get_double(node);
    if (!(value >= 0 && value <= max)) /* 1e999 is infinite */
        return FALSE;
    *ret = value;
    return TRUE;
}

gboolean line_json_uint(JsonObject *object, const char *path, guint64 max, guint64 *ret)
{
    double value;

    if (!line_json_double(object, path, (double)max, &value))
        return FALSE;
    *ret = (guint64)value;
    return TRUE;
}
