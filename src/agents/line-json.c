/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/line-json.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* --- Parsing --- */

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

LineJson line_json_parse(const char *text, gsize length)
{
    g_autofree char *replaced = replace_bad_escapes(text, length);
    g_autoptr(JsonParser) parser = json_parser_new_immutable();

    if (!json_parser_load_from_data(parser, replaced ? replaced : text, (gssize)length, NULL))
        return (LineJson){NULL};
    return (LineJson){json_parser_steal_root(parser)};
}

void line_json_free(LineJson document)
{
    g_clear_pointer((JsonNode **)&document.node, json_node_unref);
}

/* --- Looking up --- */

static JsonNode *find_member(JsonNode *node, const char *name)
{
    if (!node || !JSON_NODE_HOLDS_OBJECT(node))
        return NULL;
    return json_object_get_member(json_node_get_object(node), name);
}

static JsonNode *find_node(LineJson json, const char *path)
{
    JsonNode *node = json.node;
    const char *dot;

    while ((dot = strchr(path, '.'))) {
        g_autofree char *name = g_strndup(path, (gsize)(dot - path));

        node = find_member(node, name);
        path = dot + 1;
    }
    return *path ? find_member(node, path) : node;
}

static gboolean holds(JsonNode *node, GType type)
{
    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

const char *line_json_string(LineJson json, const char *path)
{
    JsonNode *node = find_node(json, path);

    return holds(node, G_TYPE_STRING) ? json_node_get_string(node) : NULL;
}

gboolean line_json_is(LineJson json, const char *path, const char *expected)
{
    return g_strcmp0(line_json_string(json, path), expected) == 0;
}

gboolean line_json_is_set(LineJson json, const char *path)
{
    JsonNode *node = find_node(json, path);

    if (!node || JSON_NODE_HOLDS_NULL(node))
        return FALSE;
    return !holds(node, G_TYPE_BOOLEAN) || json_node_get_boolean(node);
}

gboolean line_json_double(LineJson json, const char *path, double max, double *ret)
{
    JsonNode *node = find_node(json, path);
    double value;

    if (!holds(node, G_TYPE_INT64) && !holds(node, G_TYPE_DOUBLE))
        return FALSE;
    value = json_node_get_double(node);
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

static void foreach_element(JsonArray *array, void (*each)(LineJson value, gpointer data),
                            gpointer data)
{
    for (guint i = 0; i < json_array_get_length(array); i++)
        each((LineJson){json_array_get_element(array, i)}, data);
}

static void foreach_member(JsonObject *object, void (*each)(LineJson value, gpointer data),
                           gpointer data)
{
    JsonObjectIter iter;
    JsonNode *value;

    json_object_iter_init(&iter, object);
    while (json_object_iter_next(&iter, NULL, &value))
        each((LineJson){value}, data);
}

void line_json_foreach(LineJson json, const char *path, void (*each)(LineJson value, gpointer data),
                       gpointer data)
{
    JsonNode *node = find_node(json, path);

    if (node && JSON_NODE_HOLDS_ARRAY(node))
        foreach_element(json_node_get_array(node), each, data);
    else if (node && JSON_NODE_HOLDS_OBJECT(node))
        foreach_member(json_node_get_object(node), each, data);
}
