/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "base/idle-turn.h"

#define TURNS 20

typedef struct {
    GString *order;
    IdleTurn *other;
    guint done, done_at_call;
} Seen;

static Seen seen;

static void note(void *data)
{
    g_string_append_c(seen.order, *(const char *)data);
}

static void come_again(void *data)
{
    note(data);
    idle_turn_new(note, data);
}

static void take_other_back(void *data)
{
    note(data);
    g_clear_pointer(&seen.other, idle_turn_free);
}

static void replace_other(void *data)
{
    take_other_back(data);
    idle_turn_new(note, (void *)"c");
}

static void run_all(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void test_turns_come_in_their_order(void)
{
    g_autoptr(GString) order = g_string_new(NULL);
    seen = (Seen){.order = order};
    idle_turn_new(come_again, (void *)"a");
    idle_turn_new(note, (void *)"b");
    idle_turn_free(idle_turn_new(note, (void *)"c"));
    idle_turn_new(take_other_back, (void *)"d");
    seen.other = idle_turn_new(note, (void *)"e");
    run_all();
    g_assert_cmpstr(order->str, ==, "abda");
}

static void test_one_that_comes_again_leaves_the_loop(void)
{
    g_autoptr(GString) order = g_string_new(NULL);
    seen = (Seen){.order = order};
    idle_turn_new(come_again, (void *)"a");
    g_main_context_iteration(NULL, FALSE);
    g_assert_cmpstr(order->str, ==, "a");
    run_all();
    g_assert_cmpstr(order->str, ==, "aa");
}

/* The last one that waited is taken back in a turn that makes the next. */
static void test_one_may_replace_the_last(void)
{
    g_autoptr(GString) order = g_string_new(NULL);
    seen = (Seen){.order = order};
    idle_turn_new(replace_other, (void *)"a");
    seen.other = idle_turn_new(note, (void *)"b");
    run_all();
    g_assert_cmpstr(order->str, ==, "ac");
}

static void test_one_that_is_taken_back_is_no_turn(void)
{
    idle_turn_free(idle_turn_new(note, (void *)"a"));
    g_assert_false(g_main_context_pending(NULL));
}

static gboolean on_call(gpointer unused)
{
    seen.done_at_call = seen.done;
    return G_SOURCE_REMOVE;
}

static void work(void *unused)
{
    gint64 end = g_get_monotonic_time() + 1000;
    if (seen.done++ == 0)
        g_idle_add_full(G_PRIORITY_DEFAULT, on_call, NULL, NULL);
    while (g_get_monotonic_time() < end)
        ;
}

static void test_who_calls_does_not_wait_for_all(void)
{
    seen = (Seen){0};
    for (guint i = 0; i < TURNS; i++)
        idle_turn_new(work, NULL);
    run_all();
    g_assert_cmpuint(seen.done, ==, TURNS);
    g_assert_cmpuint(seen.done_at_call, <, TURNS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/idle-turn/turns-come-in-their-order", test_turns_come_in_their_order);
    g_test_add_func("/idle-turn/one-that-comes-again-leaves-the-loop",
                    test_one_that_comes_again_leaves_the_loop);
    g_test_add_func("/idle-turn/one-may-replace-the-last", test_one_may_replace_the_last);
    g_test_add_func("/idle-turn/one-that-is-taken-back-is-no-turn",
                    test_one_that_is_taken_back_is_no_turn);
    g_test_add_func("/idle-turn/who-calls-does-not-wait-for-all",
                    test_who_calls_does_not_wait_for_all);
    return g_test_run();
}
