/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/json-text.h"

#include <json-glib/json-glib.h>

void json_append_string(GString *json, const char *text)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_VALUE);
    json_node_set_string(node, text);
    g_autofree char *quoted = json_to_string(node, FALSE);
    g_string_append(json, quoted);
}
