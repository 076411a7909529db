/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bus-text.h"

#define FFFD "\xEF\xBF\xBD"

static void assert_goes_out(const char *text)
{
    g_autofree char *clean = bus_text_clean(text);

    g_assert_cmpstr(clean, ==, NULL);
}

static void assert_cleaned(const char *text, const char *expected)
{
    g_autofree char *clean = bus_text_clean(text);

    g_assert_cmpstr(clean, ==, expected);
    assert_goes_out(clean);
}

static void test_ordinary_text_goes_out_as_it_is(void)
{
    assert_goes_out("");
    assert_goes_out("plain\x01\x7f\n");
    assert_goes_out("caf\u00e9 \u2713 \U0001F600");
    assert_goes_out("\uFDCF\uFDF0\uFFFD\U0001FFFD\U00020000\U0010FFFD");
    assert_goes_out("\uD7FF\uE000\u0FFF\u1000\U0000FFFC\U00010000");
}

static void test_noncharacters_are_replaced(void)
{
    assert_cleaned("\uFFFE", FFFD);
    assert_cleaned("a\uFFFFb", "a" FFFD "b");
    assert_cleaned("\uFDD0x\uFDEF", FFFD "x" FFFD);
    for (gunichar plane = 0; plane <= 0x10; plane++) {
        char text[7] = "";
        text[g_unichar_to_utf8(plane << 16 | 0xFFFE, text)] = '\0';
        assert_cleaned(text, FFFD);
        text[g_unichar_to_utf8(plane << 16 | 0xFFFF, text)] = '\0';
        assert_cleaned(text, FFFD);
    }
}

static void test_what_is_no_utf8_is_replaced(void)
{
    assert_cleaned("caf\xe9", "caf" FFFD);
    assert_cleaned("\xff\xfe.", FFFD FFFD ".");
    assert_cleaned("\xe2\x9c", FFFD);
    assert_cleaned("\xe2\x9c\xe2\x9c\x93", FFFD "\u2713");
    assert_cleaned("\xed\xa0\x80", FFFD FFFD FFFD);
    assert_cleaned("\xc0\x80\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD FFFD FFFD);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus-text/ordinary-text-goes-out-as-it-is",
                    test_ordinary_text_goes_out_as_it_is);
    g_test_add_func("/bus-text/noncharacters-are-replaced", test_noncharacters_are_replaced);
    g_test_add_func("/bus-text/what-is-no-utf8-is-replaced", test_what_is_no_utf8_is_replaced);
    return g_test_run();
}
