/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/usage-json.h"

#include "base/json-file.h"

#define COST "cost_usd"

void json_add_usage(JsonBuilder *builder, const Usage *usage)
{
    if (usage->has_cost) {
        json_builder_set_member_name(builder, COST);
        json_builder_add_double_value(builder, usage->cost_usd);
    }
    for (UsageCount i = 0; i < USAGE_COUNTS; i++)
        if (usage->has[i])
            json_add_uint(builder, usage_count_name(i), usage->counts[i]);
}

void json_read_usage(JsonObject *object, Usage *ret_usage)
{
    *ret_usage = (Usage){0};
    if (!object)
        return;
    ret_usage->has_cost = json_object_has_member(object, COST);
    ret_usage->cost_usd = json_object_get_double_member_with_default(object, COST, 0);
    for (UsageCount i = 0; i < USAGE_COUNTS; i++) {
        ret_usage->has[i] = json_object_has_member(object, usage_count_name(i));
        ret_usage->counts[i] = json_get_uint(object, usage_count_name(i), 0);
    }
}
