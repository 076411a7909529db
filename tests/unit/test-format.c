/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/format.h"

#define MIB ((guint64)1024 * 1024)

static void assert_bytes(guint64 bytes, const char *expected)
{
    g_autofree char *text = format_bytes(bytes);
    g_assert_cmpstr(text, ==, expected);
}

static void assert_count(guint64 count, const char *expected)
{
    g_autofree char *text = format_count(count);
    g_assert_cmpstr(text, ==, expected);
}

static void assert_span(guint64 seconds, const char *expected)
{
    g_autofree char *text = format_span(seconds * G_USEC_PER_SEC);
    g_assert_cmpstr(text, ==, expected);
}

static void test_sizes_are_short(void)
{
    assert_bytes(0, "0B");
    assert_bytes(1023, "1023B");
    assert_bytes(1024, "1.0K");
    assert_bytes(10 * 1024 - 1, "10K");
    assert_bytes(980 * MIB, "980M");
}

static void test_sizes_are_rounded_before_their_unit_is_chosen(void)
{
    assert_bytes(MIB - 1, "1.0M");
    assert_bytes(1024 * MIB - 1, "1.0G");
    assert_bytes(10 * MIB - 1, "10M");
    assert_bytes(G_MAXUINT64, "16384P");
    assert_count(999, "999");
    assert_count(9940, "9.9k");
    assert_count(9960, "10k");
    assert_count(999600, "1.0M");
}

static void test_spans_have_two_units(void)
{
    assert_span(12, "12s");
    assert_span(120, "2min");
    assert_span(192, "3min 12s");
    assert_span(7500, "2h 5min");
    assert_span(86400 * 4 + 3600 * 3, "4d 3h");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/format/" #name, test_##name)
    ADD(sizes_are_short);
    ADD(sizes_are_rounded_before_their_unit_is_chosen);
    ADD(spans_have_two_units);
    return g_test_run();
}
