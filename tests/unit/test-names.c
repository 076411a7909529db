/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "base/names.h"

static const char *const good_names[] = {
    "a", "7", "42_login", "coder", "a.b", "a-b_c.d", "x.lockx", "lock", "A-", "a_",
};

static const char *const bad_names[] = {
    "",       ".",   "..",  ".a",       "-a",    "_a",   "a/b",  "a..b", "a.",
    "a.lock", "a b", "a\n", "\xc3\xa9", "a\xff", "../a", "a\\b", "a:b",
};

static void test_names_follow_the_contract(void)
{
    char longest[66] = {0};

    for (gsize i = 0; i < G_N_ELEMENTS(good_names); i++)
        g_assert_true(name_is_valid(good_names[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bad_names); i++)
        g_assert_false(name_is_valid(bad_names[i]));
    memset(longest, 'a', 64);
    g_assert_true(name_is_valid(longest));
    longest[64] = 'a';
    g_assert_false(name_is_valid(longest));
}

static void test_a_refused_name_is_named(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(name_check("story id", "42_login", &error));
    g_assert_no_error(error);
    g_assert_false(name_check("story id", "a/b\n\xff", &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT);
    g_assert_true(
        g_str_has_prefix(error->message, "story id 'a/b\uFFFD\uFFFD' is not valid: use "));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void test_a_refused_name_is_not_shown_at_any_length(void)
{
    g_autofree char *name = g_strnfill(1000000, 'a');
    g_autoptr(GError) error = NULL;

    g_assert_false(name_check("story id", name, &error));
    g_assert_cmpuint(strlen(error->message), <, 400);
}

static void assert_shown(const char *name, const char *expected)
{
    g_autofree char *shown = name_for_message(name);

    g_assert_cmpstr(shown, ==, expected);
}

static void test_a_name_is_shown_as_it_was_written(void)
{
    g_autoptr(GString) kisses = g_string_new(NULL);
    g_autofree char *cut = NULL;

    assert_shown("", "");
    assert_shown("käse 😘", "käse 😘");
    assert_shown("a\x1b[2J\u202Eb", "a\uFFFD[2J\uFFFDb");
    for (int i = 0; i < 80; i++)
        g_string_append(kisses, "😘");
    assert_shown(kisses->str, kisses->str);
    cut = g_strconcat(kisses->str, "…", NULL);
    g_string_append(kisses, "aé");
    assert_shown(kisses->str, cut);
}

static void test_environment_names_are_those_of_a_shell(void)
{
    g_assert_true(environment_name_is_valid("RUST_LOG"));
    g_assert_true(environment_name_is_valid("_x9"));
    g_assert_false(environment_name_is_valid(""));
    g_assert_false(environment_name_is_valid("9x"));
    g_assert_false(environment_name_is_valid("A=B"));
    g_assert_false(environment_name_is_valid("A B"));
}

static void test_a_run_id_tells_story_agent_and_time(void)
{
    g_autofree char *id = run_id_new("42_login", "coder");

    g_assert_true(g_str_has_prefix(id, "42_login.coder."));
    g_assert_cmpuint(strlen(id), ==, strlen("42_login.coder.") + 10);
    g_assert_true(run_id_is_valid(id));
}

#define IDS_PER_THREAD 20000

static gpointer make_ids(gpointer data)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < IDS_PER_THREAD; i++)
        g_ptr_array_add(ids, run_id_new("s", "a"));
    return ids;
}

static void test_run_ids_of_all_threads_are_new_and_sort_by_time(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GThread *threads[4];

    for (guint t = 0; t < G_N_ELEMENTS(threads); t++)
        threads[t] = g_thread_new("ids", make_ids, NULL);
    for (guint t = 0; t < G_N_ELEMENTS(threads); t++) {
        g_autoptr(GPtrArray) ids = g_thread_join(threads[t]);
        for (guint i = 0; i < ids->len; i++) {
            const char *id = g_ptr_array_index(ids, i);
            if (i > 0)
                g_assert_cmpstr(id, >, g_ptr_array_index(ids, i - 1));
            g_assert_true(g_hash_table_add(seen, g_strdup(id)));
        }
    }
}

static void test_only_run_ids_are_taken_for_run_ids(void)
{
    static const char *const good[] = {
        "s.a.0123456789",
        "a.b.c.d.abcdefghij",
        "a.lock.b.0123456789",
        "s.a-b.zzzzzzzzzz",
    };
    static const char *const bad[] = {
        "",
        "0123456789",
        ".0123456789",
        "s.0123456789",
        "s.a.012345678",
        "s.a.01234567890",
        "s.a.012345678A",
        "s.a.01234/6789",
        "../a.0123456789",
        "s/..a.0123456789",
        "s..a.0123456789",
        "s.a..0123456789",
        ".s.a.0123456789",
        "s.a.lock.0123456789/",
        "s.-.0123456789",
        "s.a_0123456789",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(run_id_is_valid(good[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(run_id_is_valid(bad[i]));
}

static void assert_unit(const char *run_id, const char *expected)
{
    g_autofree char *unit = run_unit_name(run_id);

    g_assert_cmpstr(unit, ==, expected);
}

static void test_a_unit_name_has_a_word_of_the_run_id(void)
{
    assert_unit("42_login.coder.hofuv8ubcx", "app-storkit-42LoginCoderHofuv8ubcx.scope");
    assert_unit("4-2_login.co-der.0123456789", "app-storkit-42LoginCoDer0123456789.scope");
}

/* As xdg-desktop-portal, Plasma and others take an application's id from a scope. */
static void test_desktops_read_the_application_in_a_unit_name(void)
{
    g_autoptr(GRegex) convention =
        g_regex_new("^app-(?:[[:alnum:]]+-)?(.+?)-[[:alnum:]]+\\.scope$", 0, 0, NULL);
    g_autofree char *unit = run_unit_name("a-b_c.d.e-f.hofuv8ubcx");
    g_autoptr(GMatchInfo) match = NULL;

    g_assert_true(g_regex_match(convention, unit, 0, &match));
    g_autofree char *id = g_match_info_fetch(match, 1);
    g_assert_cmpstr(id, ==, "storkit");
}

static void test_a_run_id_sorts_after_those_before_the_clock_was_set_back(void)
{
    run_id_keep_after("s.a.zzzzzzzzzz");
    g_autofree char *now = run_id_new("s", "a");
    g_autofree char *later = g_strdup(now);
    char *digit = strrchr(later, '.') + 4; /* months from now */
    *digit = *digit == 'z' ? 'z' : *digit == '9' ? 'a' : (char)(*digit + 1);
    run_id_keep_after(later);
    g_autofree char *next = run_id_new("s", "a");

    g_assert_cmpstr(now, <, "s.a.z");
    g_assert_cmpstr(next, >, later);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/names/names-follow-the-contract", test_names_follow_the_contract);
    g_test_add_func("/names/a-refused-name-is-named", test_a_refused_name_is_named);
    g_test_add_func("/names/a-refused-name-is-not-shown-at-any-length",
                    test_a_refused_name_is_not_shown_at_any_length);
    g_test_add_func("/names/a-name-is-shown-as-it-was-written",
                    test_a_name_is_shown_as_it_was_written);
    g_test_add_func("/names/environment-names-are-those-of-a-shell",
                    test_environment_names_are_those_of_a_shell);
    g_test_add_func("/names/a-run-id-tells-story-agent-and-time",
                    test_a_run_id_tells_story_agent_and_time);
    g_test_add_func("/names/run-ids-of-all-threads-are-new-and-sort-by-time",
                    test_run_ids_of_all_threads_are_new_and_sort_by_time);
    g_test_add_func("/names/a-run-id-sorts-after-those-before-the-clock-was-set-back",
                    test_a_run_id_sorts_after_those_before_the_clock_was_set_back);
    g_test_add_func("/names/only-run-ids-are-taken-for-run-ids",
                    test_only_run_ids_are_taken_for_run_ids);
    g_test_add_func("/names/a-unit-name-has-a-word-of-the-run-id",
                    test_a_unit_name_has_a_word_of_the_run_id);
    g_test_add_func("/names/desktops-read-the-application-in-a-unit-name",
                    test_desktops_read_the_application_in_a_unit_name);
    return g_test_run();
}
