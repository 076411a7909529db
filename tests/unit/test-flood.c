/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/flood.h"

#define MB (1000 * 1000)
#define MSEC 1000
#define BEGIN (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)

static void test_who_keeps_up_sees_no_flood(void)
{
    Flood flood = {0};

    for (guint i = 1; i < 100; i++)
        g_assert_false(flood_look(&flood, i * 2 * MB, 512 * 1024, BEGIN + i * 10 * MSEC));
    g_assert_false(flood.on);
}

static void test_a_fast_agent_that_is_far_ahead_floods(void)
{
    Flood flood = {0};

    g_assert_false(flood_look(&flood, 2 * MB, 2 * MB, BEGIN)); /* that may have taken an hour */
    g_assert_true(flood_look(&flood, 4 * MB, 4 * MB, BEGIN + 50 * MSEC));
    g_assert_true(flood.on);
    g_assert_false(flood_look(&flood, 6 * MB, 6 * MB, BEGIN + 100 * MSEC));
    g_assert_true(flood.on);
}

/* Otherwise a service that comes back to a long transcript would be slow as long as it grows. */
static void test_an_ordinary_pace_is_no_flood_however_far_behind(void)
{
    Flood flood = {0};

    for (guint i = 0; i < 100; i++)
        g_assert_false(flood_look(&flood, (500 + i) * MB, 500 * MB, BEGIN + i * 200 * MSEC));
    g_assert_false(flood.on);
}

static void test_a_moment_is_too_short_for_a_pace(void)
{
    Flood flood = {0};

    flood_look(&flood, 2 * MB, 2 * MB, BEGIN);
    g_assert_false(flood_look(&flood, 3 * MB, 3 * MB, BEGIN + MSEC));
    g_assert_false(flood.on);
}

static void test_a_flood_ends_when_the_agent_pauses_or_is_caught_up_with(void)
{
    Flood flood = {.on = TRUE, .bytes = 8 * MB, .since = BEGIN};

    g_assert_true(flood_look(&flood, 8 * MB, 7 * MB, BEGIN + 50 * MSEC));
    g_assert_false(flood.on);

    flood = (Flood){.on = TRUE, .bytes = 8 * MB, .since = BEGIN};
    g_assert_true(flood_look(&flood, 9 * MB, MB, BEGIN + 50 * MSEC));
    g_assert_false(flood.on);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flood/who-keeps-up-sees-no-flood", test_who_keeps_up_sees_no_flood);
    g_test_add_func("/flood/a-fast-agent-that-is-far-ahead-floods",
                    test_a_fast_agent_that_is_far_ahead_floods);
    g_test_add_func("/flood/an-ordinary-pace-is-no-flood-however-far-behind",
                    test_an_ordinary_pace_is_no_flood_however_far_behind);
    g_test_add_func("/flood/a-moment-is-too-short-for-a-pace",
                    test_a_moment_is_too_short_for_a_pace);
    g_test_add_func("/flood/a-flood-ends-when-the-agent-pauses-or-is-caught-up-with",
                    test_a_flood_ends_when_the_agent_pauses_or_is_caught_up_with);
    return g_test_run();
}
