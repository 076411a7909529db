/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl/format.h"
#include "ctl/state-place.h"
#include "ctl/terminal.h"
#include "ctl/text.h"
#include "ctl/verb.h"

/*
 * The configuration as the service understood it. Whatever members it has are printed: a newer
 * service may know more of them.
 */

#define INDENT 2
#define USEC_SUFFIX "_usec"

static void print_object(JsonObject *object, int indent);

static char *value_text(const char *key, JsonNode *node)
{
    GType type = json_node_get_value_type(node);
    if (type == G_TYPE_STRING)
        return text_clean(json_node_get_string(node), TRUE);
    if (type == G_TYPE_BOOLEAN)
        return g_strdup(json_node_get_boolean(node) ? "yes" : "no");
    if (type == G_TYPE_INT64)
        return format_limit(key, (guint64)json_node_get_int(node));
    if (type == G_TYPE_DOUBLE && g_str_has_suffix(key, "_usd"))
        return format_cost(json_node_get_double(node));
    return json_to_string(node, FALSE);
}

static gboolean is_empty(JsonNode *node)
{
    if (JSON_NODE_HOLDS_ARRAY(node))
        return json_array_get_length(json_node_get_array(node)) == 0;
    if (JSON_NODE_HOLDS_OBJECT(node))
        return json_object_get_size(json_node_get_object(node)) == 0;
    return json_node_get_value_type(node) == G_TYPE_STRING && *json_node_get_string(node) == '\0';
}

static gboolean has_objects(JsonNode *node)
{
    return JSON_NODE_HOLDS_ARRAY(node) &&
           JSON_NODE_HOLDS_OBJECT(json_array_get_element(json_node_get_array(node), 0));
}

static void print_text(const char *text, int indent)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    printf(" %s\n", lines[0] ?: "");
    for (gsize i = 1; lines[0] && lines[i]; i++)
        if (*lines[i])
            printf("%*s%s\n", indent, "", lines[i]);
}

static void print_list(const char *key, JsonArray *array, int indent)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < json_array_get_length(array); i++) {
        g_autofree char *element = value_text(key, json_array_get_element(array, i));
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", element);
    }
    print_text(text->str, indent);
    g_string_free(text, TRUE);
}

static void print_blocks(JsonArray *array, int indent)
{
    puts("");
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *object = json_array_get_object_element(array, i);
        g_autofree char *name =
            text_clean(json_object_get_string_member_with_default(object, "name", "-"), FALSE);
        printf("%*s%s%s%s\n", indent, "", style_begin(STYLE_BOLD), name, style_end(STYLE_BOLD));
        print_object(object, indent + INDENT);
    }
}

static void print_value(const char *key, JsonNode *node, int indent)
{
    if (has_objects(node)) {
        print_blocks(json_node_get_array(node), indent);
    } else if (JSON_NODE_HOLDS_ARRAY(node)) {
        print_list(key, json_node_get_array(node), indent);
    } else if (JSON_NODE_HOLDS_OBJECT(node)) {
        puts("");
        print_object(json_node_get_object(node), indent);
    } else {
        g_autofree char *text = value_text(key, node);
        print_text(text, indent);
    }
}

static void print_label(const char *key, int indent)
{
    int length = (int)strlen(key);
    if (g_str_has_suffix(key, USEC_SUFFIX))
        length -= (int)strlen(USEC_SUFFIX);
    printf("%*s%s%.*s:%s", indent, "", style_begin(STYLE_DIM), length, key, style_end(STYLE_DIM));
}

static void print_object(JsonObject *object, int indent)
{
    /* The bus gives a dictionary no order. */
    g_autoptr(GList) keys = g_list_sort(json_object_get_members(object), (GCompareFunc)g_strcmp0);

    for (GList *key = keys; key; key = key->next) {
        JsonNode *value = json_object_get_member(object, key->data);
        if (is_empty(value) || (indent > 0 && g_str_equal(key->data, "name")))
            continue;
        print_label(key->data, indent);
        print_value(key->data, value, indent + INDENT);
    }
}

static int config(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    const char *project = ctl_require_project(ctl, error);
    if (!project)
        return -1;
    g_autoptr(JsonNode) node = bus_call_json(ctl->bus, "GetConfig", error, "s", project);
    if (!node)
        return -1;
    if (ctl->json)
        ctl_print_json(node);
    else if (JSON_NODE_HOLDS_OBJECT(node))
        print_object(json_node_get_object(node), 0);
    if (!ctl->json)
        state_place_warn(ctl, node, FALSE);
    return 0;
}

const Verb config_verb = {
    .name = "config",
    .synopsis = "",
    .summary = "Show the agents as the service understands them",
    .run = config,
};
