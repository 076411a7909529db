/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/ledger.h"

/*
 * The ledger of what runs cost: whose it is, and of which day.
 */

static void test_sums_are_of_a_project(void)
{
    g_autoptr(Ledger) ledger = ledger_new();
    ledger_begin_day(ledger, "2026-11-30");
    g_assert_true(ledger_note(ledger, "a.1", "/shop", 0.5));
    g_assert_true(ledger_note(ledger, "b.2", "/shop", 0.25));
    g_assert_true(ledger_note(ledger, "c.3", "/other", 4));
    g_assert_false(ledger_note(ledger, "a.1", "/shop", 0.5));
    g_assert_true(ledger_note(ledger, "a.1", "/shop", 1));
    g_assert_cmpfloat(ledger_sum(ledger, "/shop"), ==, 1.25);
    g_assert_cmpfloat(ledger_sum(ledger, "/none"), ==, 0);
}

static void test_a_day_begins_with_nothing(void)
{
    g_autoptr(Ledger) ledger = ledger_new();
    ledger_begin_day(ledger, "2026-11-30");
    ledger_note(ledger, "over.1", "/shop", 2);
    ledger_note(ledger, "long.2", "/shop", 3);
    ledger_begin_day(ledger, "2026-12-01");
    g_assert_cmpfloat(ledger_sum(ledger, "/shop"), ==, 0);
    ledger_note(ledger, "long.2", "/shop", 3.5);
    g_assert_cmpfloat(ledger_sum(ledger, "/shop"), ==, 0.5);
    ledger_begin_day(ledger, "2026-12-02");
    ledger_note(ledger, "long.2", "/shop", 4);
    g_assert_cmpfloat(ledger_sum(ledger, "/shop"), ==, 0.5);
}

static Ledger *read_back(const Ledger *ledger)
{
    g_autoptr(JsonBuilder) builder = ledger_to_json(ledger);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    Ledger *other = ledger_new();
    ledger_from_json(other, json_node_get_object(root));
    return other;
}

static void test_it_is_kept(void)
{
    g_autoptr(Ledger) ledger = ledger_new();
    ledger_begin_day(ledger, "2026-11-30");
    ledger_note(ledger, "long.2", "/shop", 3);
    ledger_begin_day(ledger, "2026-12-01");
    ledger_note(ledger, "long.2", "/shop", 3.5);
    g_autoptr(Ledger) same_day = read_back(ledger);
    ledger_begin_day(same_day, "2026-12-01");
    g_assert_cmpfloat(ledger_sum(same_day, "/shop"), ==, 0.5);
    g_autoptr(Ledger) next_day = read_back(ledger);
    ledger_begin_day(next_day, "2026-12-02");
    g_assert_cmpfloat(ledger_sum(next_day, "/shop"), ==, 0);
}

static void test_what_is_foreign_is_left_out(void)
{
    g_autoptr(Ledger) ledger = ledger_new();
    g_autoptr(JsonObject) object = json_object_new();
    ledger_from_json(ledger, object);
    json_object_set_int_member(object, "format", 1);
    json_object_set_string_member(object, "day", "2026-11-30");
    JsonObject *runs = json_object_new();
    json_object_set_string_member(runs, "a.1", "x");
    json_object_set_object_member(runs, "b.2", json_object_new());
    json_object_set_object_member(object, "runs", runs);
    ledger_from_json(ledger, object);
    ledger_begin_day(ledger, "2026-11-30");
    g_assert_cmpfloat(ledger_sum(ledger, "/shop"), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ledger/sums-are-of-a-project", test_sums_are_of_a_project);
    g_test_add_func("/ledger/a-day-begins-with-nothing", test_a_day_begins_with_nothing);
    g_test_add_func("/ledger/it-is-kept", test_it_is_kept);
    g_test_add_func("/ledger/what-is-foreign-is-left-out", test_what_is_foreign_is_left_out);
    return g_test_run();
}
