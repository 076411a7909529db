/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/json-info.h"

static GVariant *from_number(JsonNode *node)
{
    gint64 number = json_node_get_int(node);
    if (json_node_get_value_type(node) == G_TYPE_BOOLEAN)
        return g_variant_new_boolean(json_node_get_boolean(node));
    if (json_node_get_value_type(node) == G_TYPE_DOUBLE)
        return g_variant_new_double(json_node_get_double(node));
    return number < 0 ? g_variant_new_int64(number) : g_variant_new_uint64((guint64)number);
}

static gboolean has_only_strings(JsonObject *object)
{
    JsonObjectIter iter;
    JsonNode *node;
    json_object_iter_init(&iter, object);
    while (json_object_iter_next(&iter, NULL, &node))
        if (json_node_get_value_type(node) != G_TYPE_STRING)
            return FALSE;
    return TRUE;
}

/* a{ss}: an option of a question. */
static GVariant *from_names(JsonObject *object)
{
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{ss}"));
    JsonObjectIter iter;
    const char *key;
    JsonNode *node;
    json_object_iter_init(&iter, object);
    while (json_object_iter_next(&iter, &key, &node))
        g_variant_builder_add(&builder, "{ss}", key, json_node_get_string(node));
    return g_variant_builder_end(&builder);
}

static GVariant *from_object(JsonObject *object);

static gboolean all_hold(JsonArray *array, gboolean objects, gboolean *ret_names)
{
    *ret_names = TRUE;
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        if (objects ? !JSON_NODE_HOLDS_OBJECT(node)
                    : json_node_get_value_type(node) != G_TYPE_STRING)
            return FALSE;
        *ret_names = *ret_names && objects && has_only_strings(json_node_get_object(node));
    }
    return TRUE;
}

/* as, aa{ss} or aa{sv}; NULL for any other. */
static GVariant *from_array(JsonArray *array)
{
    gboolean names, strings = all_hold(array, FALSE, &names);
    if (!strings && !all_hold(array, TRUE, &names))
        return NULL;
    const char *type = strings ? "as" : names ? "aa{ss}" : "aa{sv}";
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(type));
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        g_variant_builder_add_value(&builder, strings
                                                  ? g_variant_new_string(json_node_get_string(node))
                                              : names ? from_names(json_node_get_object(node))
                                                      : from_object(json_node_get_object(node)));
    }
    return g_variant_builder_end(&builder);
}

static GVariant *from_node(JsonNode *node)
{
    if (JSON_NODE_HOLDS_OBJECT(node))
        return from_object(json_node_get_object(node));
    if (JSON_NODE_HOLDS_ARRAY(node))
        return from_array(json_node_get_array(node));
    if (!JSON_NODE_HOLDS_VALUE(node))
        return NULL;
    return json_node_get_value_type(node) == G_TYPE_STRING
               ? g_variant_new_string(json_node_get_string(node))
               : from_number(node);
}

/* What a run asks is always aa{sv}, even where all of its members are strings. */
static GVariant *from_questions(JsonArray *array)
{
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        if (JSON_NODE_HOLDS_OBJECT(node))
            g_variant_builder_add_value(&builder, from_object(json_node_get_object(node)));
    }
    return g_variant_builder_end(&builder);
}

static GVariant *from_member(const char *key, JsonNode *node)
{
    if (g_str_equal(key, "questions") && JSON_NODE_HOLDS_ARRAY(node))
        return from_questions(json_node_get_array(node));
    return from_node(node);
}

static GVariant *from_object(JsonObject *object)
{
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    JsonObjectIter iter;
    const char *key;
    JsonNode *node;
    json_object_iter_init(&iter, object);
    while (json_object_iter_next(&iter, &key, &node)) {
        GVariant *value = from_member(key, node);
        if (value)
            g_variant_builder_add(&builder, "{sv}", key, value);
    }
    return g_variant_builder_end(&builder);
}

GVariant *info_from_json(JsonObject *object)
{
    return g_variant_ref_sink(from_object(object));
}
