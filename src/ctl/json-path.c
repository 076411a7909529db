/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/json-path.h"

static JsonNode *member(JsonObject *object, const char *key)
{
    return object ? json_object_get_member(object, key) : NULL;
}

JsonObject *json_get_object(JsonObject *object, const char *key)
{
    JsonNode *node = member(object, key);
    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

JsonArray *json_get_array(JsonObject *object, const char *key)
{
    JsonNode *node = member(object, key);
    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

const char *json_get_string(JsonObject *object, const char *key)
{
    JsonNode *node = member(object, key);
    return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node)
                                                                   : NULL;
}

gboolean json_get_boolean(JsonObject *object, const char *key)
{
    JsonNode *node = member(object, key);
    return node && json_node_get_value_type(node) == G_TYPE_BOOLEAN && json_node_get_boolean(node);
}

gint64 json_get_int(JsonObject *object, const char *key)
{
    JsonNode *node = member(object, key);
    return node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_int(node) : 0;
}

double json_get_double(JsonObject *object, const char *key)
{
    JsonNode *node = member(object, key);
    return node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_double(node) : 0;
}

JsonObject *json_array_get_object(JsonArray *array, guint index)
{
    JsonNode *node = json_array_get_element(array, index);
    return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

guint json_array_length(JsonArray *array)
{
    return array ? json_array_get_length(array) : 0;
}

JsonObject *json_parse_object(const char *text, gsize length)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    if (length > G_MAXSSIZE || !json_parser_load_from_data(parser, text, (gssize)length, NULL))
        return NULL;
    JsonNode *root = json_parser_get_root(parser);
    return root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_dup_object(root) : NULL;
}
