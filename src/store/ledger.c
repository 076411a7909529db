/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/ledger.h"

#include "base/json-file.h"

#define LEDGER_FORMAT 1

typedef struct {
    char *project;
    double before; /* of its cost, what was spent before this day */
    double cost;
} Item;

struct Ledger {
    char *day;         /* NULL: none yet */
    GHashTable *items; /* run id -> Item * */
};

static void item_free(gpointer data)
{
    Item *item = data;
    g_free(item->project);
    g_free(item);
}

Ledger *ledger_new(void)
{
    Ledger *ledger = g_new0(Ledger, 1);
    ledger->items = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, item_free);
    return ledger;
}

void ledger_free(Ledger *ledger)
{
    if (!ledger)
        return;
    g_free(ledger->day);
    g_hash_table_unref(ledger->items);
    g_free(ledger);
}

void ledger_begin_day(Ledger *ledger, const char *day)
{
    if (g_strcmp0(ledger->day, day) == 0)
        return;
    gboolean first = ledger->day == NULL;
    g_free(ledger->day);
    ledger->day = g_strdup(day);
    if (first)
        return;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, ledger->items);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Item *item = value;
        if (item->before == item->cost) /* for a whole day */
            g_hash_table_iter_remove(&iter);
        else
            item->before = item->cost;
    }
}

static Item *add(Ledger *ledger, const char *run_id, const char *project)
{
    Item *item = g_new0(Item, 1);
    item->project = g_strdup(project);
    g_hash_table_replace(ledger->items, g_strdup(run_id), item);
    return item;
}

gboolean ledger_note(Ledger *ledger, const char *run_id, const char *project, double cost_usd)
{
    Item *item = g_hash_table_lookup(ledger->items, run_id);
    if (item && item->cost == cost_usd)
        return FALSE;
    if (!item)
        item = add(ledger, run_id, project);
    item->cost = cost_usd;
    return TRUE;
}

double ledger_sum(const Ledger *ledger, const char *project)
{
    GHashTableIter iter;
    gpointer value;
    double sum = 0;
    g_hash_table_iter_init(&iter, ledger->items);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Item *item = value;
        if (g_str_equal(item->project, project))
            sum += MAX(item->cost - item->before, 0);
    }
    return sum;
}

static void add_amount(JsonBuilder *builder, const char *member, double amount)
{
    json_builder_set_member_name(builder, member);
    json_builder_add_double_value(builder, amount);
}

JsonBuilder *ledger_to_json(const Ledger *ledger)
{
    JsonBuilder *builder = json_builder_new();
    GHashTableIter iter;
    gpointer run_id, value;
    json_builder_begin_object(builder);
    json_add_uint(builder, "format", LEDGER_FORMAT);
    json_add_string(builder, "day", ledger->day);
    json_builder_set_member_name(builder, "runs");
    json_builder_begin_object(builder);
    g_hash_table_iter_init(&iter, ledger->items);
    while (g_hash_table_iter_next(&iter, &run_id, &value)) {
        const Item *item = value;
        json_builder_set_member_name(builder, run_id);
        json_builder_begin_object(builder);
        json_add_string(builder, "project", item->project);
        add_amount(builder, "before", item->before);
        add_amount(builder, "cost", item->cost);
        json_builder_end_object(builder);
    }
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    return builder;
}

static void read_item(JsonObject *runs, const char *run_id, JsonNode *node, gpointer data)
{
    JsonObject *object = json_get_object(runs, run_id);
    const char *project = object ? json_get_string(object, "project") : NULL;
    if (!project)
        return;
    Item *item = add(data, run_id, project);
    item->before = json_object_get_double_member_with_default(object, "before", 0);
    item->cost = json_object_get_double_member_with_default(object, "cost", 0);
}

void ledger_from_json(Ledger *ledger, JsonObject *object)
{
    JsonObject *runs = json_get_object(object, "runs");
    const char *day = json_get_string(object, "day");
    if (!runs || !day || json_get_uint(object, "format", 0) != LEDGER_FORMAT)
        return;
    g_free(ledger->day);
    ledger->day = g_strdup(day);
    json_object_foreach_member(runs, read_item, ledger);
}
