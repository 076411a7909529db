/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/json-order.h"

/* A run's key and state, then a worktree's and an agent's name. */
static const char *const first_members[] = {
    "text",  "project_root", "story_id", "agent_name",  "status", "run_id",
    "story", "name",         "branch",   "base_branch", "path",
};

static gsize rank_of(const char *member)
{
    gsize rank = 0;
    while (rank < G_N_ELEMENTS(first_members) && !g_str_equal(first_members[rank], member))
        rank++;
    return rank;
}

static int compare_members(gconstpointer a, gconstpointer b)
{
    gsize first = rank_of(a), second = rank_of(b);
    if (first != second)
        return first < second ? -1 : 1;
    return g_strcmp0(a, b);
}

static JsonNode *object_in_order(JsonObject *object)
{
    g_autoptr(JsonObject) ordered = json_object_new();
    g_autoptr(GList) members = g_list_sort(json_object_get_members(object), compare_members);
    for (GList *member = members; member; member = member->next)
        json_object_set_member(ordered, member->data,
                               json_in_order(json_object_get_member(object, member->data)));
    return json_node_init_object(json_node_alloc(), ordered);
}

static JsonNode *array_in_order(JsonArray *array)
{
    g_autoptr(JsonArray) ordered = json_array_new();
    for (guint i = 0; i < json_array_get_length(array); i++)
        json_array_add_element(ordered, json_in_order(json_array_get_element(array, i)));
    return json_node_init_array(json_node_alloc(), ordered);
}

JsonNode *json_in_order(JsonNode *node)
{
    if (JSON_NODE_HOLDS_OBJECT(node))
        return object_in_order(json_node_get_object(node));
    if (JSON_NODE_HOLDS_ARRAY(node))
        return array_in_order(json_node_get_array(node));
    return json_node_copy(node);
}
