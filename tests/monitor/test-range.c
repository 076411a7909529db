/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/range.h"

/*
 * A part of a list, beside a copy that is kept by what it says of its changes.
 */

typedef struct {
    GListStore *source;
    MonitorRange *range;
    GPtrArray *copy;
    guint told; /* how many items the last change was about */
} Fixture;

static void on_changed(Fixture *fixture, guint position, guint removed, guint added)
{
    g_assert_cmpuint(position + removed, <=, fixture->copy->len);
    if (removed > 0)
        g_ptr_array_remove_range(fixture->copy, position, removed);
    for (guint i = 0; i < added; i++)
        g_ptr_array_insert(fixture->copy, (int)(position + i),
                           g_list_model_get_item(G_LIST_MODEL(fixture->range), position + i));
    fixture->told += removed + added;
}

static void add(Fixture *fixture, guint position, guint n)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_object_unref);
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(items, g_object_new(G_TYPE_OBJECT, NULL));
    g_list_store_splice(fixture->source, position, 0, items->pdata, n);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->source = g_list_store_new(G_TYPE_OBJECT);
    fixture->range = monitor_range_new(G_LIST_MODEL(fixture->source));
    fixture->copy = g_ptr_array_new_with_free_func(g_object_unref);
    g_signal_connect_swapped(fixture->range, "items-changed", G_CALLBACK(on_changed), fixture);
    add(fixture, 0, 100);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    g_object_unref(fixture->range);
    g_object_unref(fixture->source);
    g_ptr_array_unref(fixture->copy);
}

/* It has the @n items of its source from the one at @begin on, and has told of all changes. */
static void check(Fixture *fixture, guint begin, guint n)
{
    GListModel *range = G_LIST_MODEL(fixture->range);
    g_assert_cmpuint(monitor_range_get_begin(fixture->range), ==, begin);
    g_assert_cmpuint(g_list_model_get_n_items(range), ==, n);
    g_assert_cmpuint(fixture->copy->len, ==, n);
    for (guint i = 0; i < n; i++) {
        g_autoptr(GObject) item = g_list_model_get_item(range, i);
        g_autoptr(GObject) original =
            g_list_model_get_item(G_LIST_MODEL(fixture->source), begin + i);
        g_assert_true(item == original);
        g_assert_true(fixture->copy->pdata[i] == original);
    }
}

static void set(Fixture *fixture, guint begin, guint end, guint told)
{
    fixture->told = 0;
    monitor_range_set(fixture->range, begin, end);
    g_assert_cmpuint(fixture->told, ==, told);
}

/* Of an item that stays in it, it says nothing. */
static void test_moves(Fixture *fixture, gconstpointer data)
{
    check(fixture, 0, 0);
    set(fixture, 60, G_MAXUINT, 40);
    check(fixture, 60, 40);
    set(fixture, 50, 95, 15);
    check(fixture, 50, 45);
    set(fixture, 0, 10, 55);
    check(fixture, 0, 10);
    set(fixture, 100, 200, 10);
    check(fixture, 100, 0);
}

/* It stays with its items, and takes none that is added at its ends. */
static void test_follows_its_source(Fixture *fixture, gconstpointer data)
{
    monitor_range_set(fixture->range, 60, 80);
    add(fixture, 0, 5);
    check(fixture, 65, 20);
    add(fixture, 65, 5);
    check(fixture, 70, 20);
    add(fixture, 90, 5);
    check(fixture, 70, 20);
    add(fixture, 75, 5);
    check(fixture, 70, 25);
    g_list_store_splice(fixture->source, 0, 10, NULL, 0);
    check(fixture, 60, 25);
    g_list_store_splice(fixture->source, 50, 20, NULL, 0);
    check(fixture, 50, 15);
    g_list_store_splice(fixture->source, 60, 20, NULL, 0);
    check(fixture, 50, 10);
    g_list_store_remove_all(fixture->source);
    check(fixture, 0, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/range/moves", Fixture, NULL, set_up, test_moves, tear_down);
    g_test_add("/range/follows-its-source", Fixture, NULL, set_up, test_follows_its_source,
               tear_down);
    return g_test_run();
}
