/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/text.h"

#include <locale.h>

#define WIDE "日本語"             /* two columns each */
#define COMBINED "e\u0301a\u0308" /* "éä": two letters with an accent of their own */

static void assert_ellipsized(const char *text, int width, const char *expected)
{
    g_autofree char *cut = text_ellipsize(text, width);
    g_assert_cmpstr(cut, ==, expected);
    g_assert_cmpint(text_width(cut), <=, MAX(width, 0));
}

static void assert_shortened(const char *text, int width, const char *expected)
{
    g_autofree char *cut = text_shorten(text, width);
    g_assert_cmpstr(cut, ==, expected);
    g_assert_cmpint(text_width(cut), <=, MAX(width, 0));
}

static void assert_clean(const char *text, const char *expected)
{
    g_autofree char *clean = text_clean(text, FALSE);
    g_assert_cmpstr(clean, ==, expected);
}

static void test_width_is_of_columns(void)
{
    g_assert_cmpint(text_width(""), ==, 0);
    g_assert_cmpint(text_width("abc"), ==, 3);
    g_assert_cmpint(text_width(WIDE), ==, 6);
    g_assert_cmpint(text_width(COMBINED), ==, 2);
}

static void test_ellipsis_is_the_last_column(void)
{
    assert_ellipsized("abcdef", 6, "abcdef");
    assert_ellipsized("abcdef", 5, "abcd…");
    assert_ellipsized("abcdef", 1, "…");
    assert_ellipsized("abcdef", 0, "");
    assert_ellipsized("abcdef", -3, "");
}

static void test_wide_and_combining_characters_are_not_halved(void)
{
    assert_ellipsized(WIDE, 6, WIDE);
    assert_ellipsized(WIDE, 5, "日本…");
    assert_ellipsized(WIDE, 4, "日…");
    assert_ellipsized(COMBINED "bc", 3, COMBINED "…");
    assert_ellipsized(COMBINED "bc", 2, "e\u0301…");
}

static void test_name_in_a_sentence_is_shortened_first(void)
{
    const char *sentence = "42_a_long_name_of_a_story waits, number 2";
    assert_shortened(sentence, 41, sentence);
    assert_shortened(sentence, 30, "42_a_long_nam… waits, number 2");
    assert_shortened(sentence, 20, "42_a_lo… waits, num…");
    assert_shortened("preparing", 4, "pre…");
    assert_shortened("", 4, "");
    assert_shortened("a b", 0, "");
}

static void test_padding_fills_the_columns(void)
{
    g_autoptr(GString) line = g_string_new(NULL);
    text_append_padded(line, WIDE, 8, FALSE);
    text_append_padded(line, COMBINED, 4, TRUE);
    text_append_padded(line, "abc", 2, TRUE);
    g_assert_cmpstr(line->str, ==, WIDE "    " COMBINED "abc");
}

static void test_nothing_that_a_terminal_obeys_is_left(void)
{
    assert_clean("\033[31mred\x7f\n", "␛[31mred␡ ");
    assert_clean("a\tb\r\n", "a    b ");
    assert_clean("\xff\u202e\xc2\x85", "\uFFFD\uFFFD\uFFFD");
    assert_clean("a…", "a…");
}

static void test_tails_tell_paths_apart(void)
{
    g_assert_cmpstr(text_path_tail("/home/me/one", "/home/me/two"), ==, "one");
    g_assert_cmpstr(text_path_tail("/home/me/one", "/home/you/one"), ==, "me/one");
    g_assert_cmpstr(text_path_tail("/home/me/one", "/home/me/zone"), ==, "one");
    g_assert_cmpstr(text_path_tail("/one", "/home/me/one"), ==, "/one");
    g_assert_cmpstr(text_path_tail("/home/me/one", "/one"), ==, "me/one");
    g_assert_cmpstr(text_path_tail("/", "/one"), ==, "/");
    g_assert_cmpstr(text_path_tail("", "/one"), ==, "");
}

static void test_ascii_locale_gets_ascii(void)
{
    setlocale(LC_ALL, "C");
    assert_ellipsized("abcdef", 5, "abcd~");
    assert_clean("\033[31mred\x7f", "^[[31mred^?");
    assert_clean("a… \xff", "a... ?");
    assert_clean(WIDE, WIDE);
    setlocale(LC_ALL, "C.UTF-8");
}

static void test_slips_are_counted(void)
{
    g_assert_cmpuint(text_distance("start", "start"), ==, 0);
    g_assert_cmpuint(text_distance("strat", "start"), ==, 1);
    g_assert_cmpuint(text_distance("stat", "start"), ==, 1);
    g_assert_cmpuint(text_distance("stxrt", "start"), ==, 1);
    g_assert_cmpuint(text_distance("starrt", "start"), ==, 1);
    g_assert_cmpuint(text_distance("", "top"), ==, 3);
    g_assert_cmpuint(text_distance("top", ""), ==, 3);
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C.UTF-8");
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/text/" #name, test_##name)
    ADD(width_is_of_columns);
    ADD(ellipsis_is_the_last_column);
    ADD(wide_and_combining_characters_are_not_halved);
    ADD(name_in_a_sentence_is_shortened_first);
    ADD(padding_fills_the_columns);
    ADD(nothing_that_a_terminal_obeys_is_left);
    ADD(tails_tell_paths_apart);
    ADD(ascii_locale_gets_ascii);
    ADD(slips_are_counted);
    return g_test_run();
}
