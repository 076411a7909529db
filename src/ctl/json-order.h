/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/** @node with the members of every object in it in a fixed order: those that name a thing first,
 *  the others by the alphabet. (The bus gives a dictionary no order.) Caller: json_node_unref(). */
JsonNode *json_in_order(JsonNode *node);
