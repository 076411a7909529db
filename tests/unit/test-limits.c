/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "base/run-limits.h"

#define K G_GUINT64_CONSTANT(1024)
#define SEC G_GUINT64_CONSTANT(1000000)

static void test_sizes_are_in_powers_of_1024(void)
{
    static const struct {
        const char *text;
        guint64 bytes;
    } cases[] = {
        {"0", 0},
        {"1024", K},
        {"7B", 7},
        {"512K", 512 * K},
        {"512M", 512 * K * K},
        {"4G", 4 * K * K * K},
        {"2T", 2 * K * K * K * K},
        {"9223372036854775807", G_MAXINT64},
    };
    static const char *const bad[] = {
        "",
        " 4G",
        "4 G",
        "-1",
        "+1",
        "4g",
        "4GB",
        "4.5G",
        "G",
        "0x10",
        "lots",
        "9223372036854775808",
        "99999999999999999999",
        "8388608T",
    };
    guint64 bytes;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_true(parse_size(cases[i].text, &bytes));
        g_assert_cmpuint(bytes, ==, cases[i].bytes);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        bytes = 42;
        g_assert_false(parse_size(bad[i], &bytes));
        g_assert_cmpuint(bytes, ==, 42);
    }
}

static void test_spans_are_in_microseconds(void)
{
    static const struct {
        const char *text;
        guint64 usec;
    } cases[] = {
        {"0", 0},
        {"90", 90 * SEC},
        {"10s", 10 * SEC},
        {"10 s", 10 * SEC},
        {"500ms", SEC / 2},
        {"3us", 3},
        {"5m", 300 * SEC},
        {"5min", 300 * SEC},
        {"2h", 7200 * SEC},
        {"1h 30m", 5400 * SEC},
        {"1h30m", 5400 * SEC},
        {"1d", 86400 * SEC},
        {"1w", 604800 * SEC},
        {"0s", 0},
        {"7sec ", 7 * SEC},
    };
    static const char *const bad[] = {
        "",
        " ",
        "s",
        "-5s",
        "5x",
        "1h 30",
        "1.5h",
        "5M",
        "soon",
        "infinity",
        "5 minutes",
        "9223372036854775807s",
        "9223372036855",
        "100000000d 100000000d",
    };
    guint64 usec;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_true(parse_span(cases[i].text, &usec));
        g_assert_cmpuint(usec, ==, cases[i].usec);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        usec = 42;
        g_assert_false(parse_span(bad[i], &usec));
        g_assert_cmpuint(usec, ==, 42);
    }
}

static void set(Limits *limits, const char *key, const char *text)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(limits_set(limits, key, text, &error));
    g_assert_no_error(error);
}

static void test_each_key_sets_its_own_limit(void)
{
    Limits limits;

    limits_init(&limits);
    g_assert_cmpuint(limits.memory_max, ==, LIMIT_UNSET);
    g_assert_cmpuint(limits.idle_timeout_usec, ==, LIMIT_UNSET);
    set(&limits, "memory_max", "4G");
    set(&limits, "memory_high", "3G");
    set(&limits, "cpu_weight", "200");
    set(&limits, "cpu_quota", "150%");
    set(&limits, "io_weight", "10000");
    set(&limits, "tasks_max", "512");
    set(&limits, "runtime_max", "2h");
    set(&limits, "idle_timeout", "90");
    g_assert_cmpuint(limits.memory_max, ==, 4 * K * K * K);
    g_assert_cmpuint(limits.memory_high, ==, 3 * K * K * K);
    g_assert_cmpuint(limits.cpu_weight, ==, 200);
    g_assert_cmpuint(limits.cpu_quota_usec, ==, 1500000);
    g_assert_cmpuint(limits.io_weight, ==, 10000);
    g_assert_cmpuint(limits.tasks_max, ==, 512);
    g_assert_cmpuint(limits.runtime_max_usec, ==, 7200 * SEC);
    g_assert_cmpuint(limits.idle_timeout_usec, ==, 90 * SEC);
}

static void test_a_refused_limit_is_named_and_changes_nothing(void)
{
    static const struct {
        const char *key;
        const char *text;
    } cases[] = {
        {"memory_max", "lots"},  {"memory_max", "0"},     {"memory_high", "-1"},
        {"cpu_weight", "0"},     {"cpu_weight", "10001"}, {"cpu_weight", "1.5"},
        {"cpu_quota", "150"},    {"cpu_quota", "0%"},     {"cpu_quota", "99999999999999999%"},
        {"io_weight", ""},       {"tasks_max", "0"},      {"tasks_max", "5k"},
        {"runtime_max", "soon"}, {"idle_timeout", "5x"},
    };
    Limits limits, before;

    limits_init(&limits);
    set(&limits, "memory_max", "1G");
    before = limits;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *quoted = g_strdup_printf("'%s'", cases[i].text);
        g_assert_false(limits_set(&limits, cases[i].key, cases[i].text, &error));
        g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT);
        g_assert_true(g_str_has_prefix(error->message, cases[i].key));
        g_assert_nonnull(strstr(error->message, quoted));
        g_assert_nonnull(strstr(error->message, ": write a"));
        g_assert_cmpmem(&limits, sizeof limits, &before, sizeof before);
    }
}

static void test_an_unknown_key_is_no_limit(void)
{
    g_autoptr(GError) error = NULL;
    Limits limits;

    limits_init(&limits);
    g_assert_true(limits_has_key("cpu_quota"));
    g_assert_false(limits_has_key("memory"));
    g_assert_false(limits_set(&limits, "memory", "4G", &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull(strstr(error->message, "memory_max"));
}

static void test_what_is_set_overrides_and_infinity_lifts(void)
{
    Limits limits, over;

    limits_init(&limits);
    set(&limits, "memory_max", "4G");
    set(&limits, "tasks_max", "100");
    set(&limits, "runtime_max", "1h");
    set(&limits, "idle_timeout", "1h");
    limits_init(&over);
    set(&over, "memory_max", "1G");
    set(&over, "runtime_max", "infinity");
    set(&over, "idle_timeout", "0");
    set(&over, "cpu_weight", "50");
    limits_override(&limits, &over);
    g_assert_cmpuint(limits.memory_max, ==, K * K * K);
    g_assert_cmpuint(limits.tasks_max, ==, 100);
    g_assert_cmpuint(limits.runtime_max_usec, ==, LIMIT_UNSET);
    g_assert_cmpuint(limits.idle_timeout_usec, ==, LIMIT_UNSET);
    g_assert_cmpuint(limits.cpu_weight, ==, 50);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limits/sizes-are-in-powers-of-1024", test_sizes_are_in_powers_of_1024);
    g_test_add_func("/limits/spans-are-in-microseconds", test_spans_are_in_microseconds);
    g_test_add_func("/limits/each-key-sets-its-own-limit", test_each_key_sets_its_own_limit);
    g_test_add_func("/limits/a-refused-limit-is-named-and-changes-nothing",
                    test_a_refused_limit_is_named_and_changes_nothing);
    g_test_add_func("/limits/an-unknown-key-is-no-limit", test_an_unknown_key_is_no_limit);
    g_test_add_func("/limits/what-is-set-overrides-and-infinity-lifts",
                    test_what_is_set_overrides_and_infinity_lifts);
    return g_test_run();
}
