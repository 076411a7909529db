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

static void test_no_time_is_no_milliseconds(void)
{
    assert_span(0, "0s");
    g_autofree char *short_span = format_span(850 * 1000);
    g_assert_cmpstr(short_span, ==, "850ms");
    g_autofree char *shortest = format_span(1);
    g_assert_cmpstr(shortest, ==, "1ms");
}

static void test_spans_are_read_as_people_write_them(void)
{
    static const struct {
        const char *text;
        guint64 usec;
    } good[] = {
        {"90", 90000000},  {"90s", 90000000},     {"1min 30s", 90000000}, {"1min30sec", 90000000},
        {"200ms", 200000}, {" 2 h ", 7200000000}, {"1d", 86400000000},    {"0", 0},
    };
    static const char *const bad[] = {"", " ", "s", "5x", "-1", "1.5s", "90s soon", "99999999999"};
    guint64 usec;

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_true(parse_span(good[i].text, &usec));
        g_assert_cmpuint(usec, ==, good[i].usec);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(parse_span(bad[i], &usec));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/format/" #name, test_##name)
    ADD(sizes_are_short);
    ADD(sizes_are_rounded_before_their_unit_is_chosen);
    ADD(spans_have_two_units);
    ADD(no_time_is_no_milliseconds);
    ADD(spans_are_read_as_people_write_them);
    return g_test_run();
}
