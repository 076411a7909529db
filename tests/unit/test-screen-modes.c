/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/screen-modes.h"

#include <string.h>

/* The screen that is shown after @output, which comes in two parts, however it is cut. */
static void assert_other_screen(const char *output, guint expected)
{
    for (gsize cut = 0; cut <= strlen(output); cut++) {
        ScreenModes modes = {0};
        screen_modes_feed(&modes, output, cut);
        screen_modes_feed(&modes, output + cut, strlen(output) - cut);
        g_assert_cmpuint(modes.other_screen, ==, expected);
    }
}

static void test_other_screen_is_seen(void)
{
    assert_other_screen("text \033[?1049h more", 1049);
    assert_other_screen("\033[?47h", 47);
    assert_other_screen("\033[?1047h", 1047);
    assert_other_screen("\033[?1049;25h", 1049);
    assert_other_screen("\033[?25;1049h", 1049);
    assert_other_screen("\033[\033[?1049h", 1049);
    assert_other_screen("\033]0;title\033\\\033[?1049h", 1049);
}

static void test_end_of_other_screen_is_seen(void)
{
    assert_other_screen("\033[?1049h\033[2J\033[?1049l", 0);
    assert_other_screen("\033[?1049h\033c", 0);
    assert_other_screen("\033[?1049h\033[?1049l\033[?47h", 47);
}

static void test_what_only_looks_like_it_is_not(void)
{
    assert_other_screen("[?1049h", 0);
    assert_other_screen("\033[1049h", 0);
    assert_other_screen("\033[?10490h", 0);
    assert_other_screen("\033[?1;049h", 0);
    assert_other_screen("\033[?1049\030h", 0);
    assert_other_screen("\033[?1049$p", 0);
    assert_other_screen("\033[?99999999999999999999;1h", 0);
}

static void test_numbers_without_end_do_no_harm(void)
{
    ScreenModes modes = {0};
    screen_modes_feed(&modes, "\033[?", 3);
    for (int i = 0; i < 1000; i++)
        screen_modes_feed(&modes, "1049;", 5);
    screen_modes_feed(&modes, "25h", 3);
    g_assert_cmpuint(modes.other_screen, ==, 1049);
}

static void test_other_screen_is_left_only_if_it_is_shown(void)
{
    ScreenModes modes = {0};
    g_autofree char *on_main = screen_modes_undo(&modes);
    g_assert_null(strstr(on_main, "1049l"));
    screen_modes_feed(&modes, "\033[?1047h", 8);
    g_autofree char *on_other = screen_modes_undo(&modes);
    g_assert_nonnull(strstr(on_other, "\033[?1047l"));
    g_assert_true(g_str_has_suffix(on_other, on_main));
}

static void assert_undone(const char *output, const char *undo)
{
    ScreenModes modes = {0};
    screen_modes_feed(&modes, output, strlen(output));
    g_autofree char *text = screen_modes_undo(&modes);
    if (!strstr(text, undo))
        g_error("%s is not undone", output + 1);
}

static void assert_left_alone(const char *output, const char *undo)
{
    ScreenModes modes = {0};
    screen_modes_feed(&modes, output, strlen(output));
    g_autofree char *text = screen_modes_undo(&modes);
    g_assert_null(strstr(text, undo));
}

static void test_keys_are_popped_as_often_as_pushed(void)
{
    assert_undone("\033[>1u", "\033[<1u");
    assert_undone("\033[>1u\033[>31u\033[>5u\033[<u", "\033[<2u");
    assert_undone("\033[=5u", "\033[=0u");
    assert_undone("\033[>1u\033[?1049h\033[>1u\033[>1u", "\033[<2u\033[?1049l");
    assert_undone("\033[>1u\033[?1049h\033[>1u\033[>1u", "\033[<1u\0338");
    assert_left_alone("\033[>1u\033[<u", "\033[<");
    assert_left_alone("\033[<9u", "\033[<");
    assert_undone("\033[>4;2m", "\033[>4m");
    assert_undone("\033[>4;1m\033[>1;3m", "\033[>1m");
    assert_left_alone("\033[1;4m", "\033[>");
}

static void test_private_modes_are_as_before(void)
{
    assert_undone("\033[?1016h", "\033[?1016l");
    assert_undone("\033[?5h\033[?2031;2048h", "\033[?2048l");
    assert_undone("\033[?8l", "\033[?8h");
    assert_undone("\033[?6h", "\033[?6l");
    assert_undone("\033[20h", "\033[20l");
    assert_left_alone("\033[?5h\033[?5l", "\033[?5");
    assert_left_alone("\033[?3h", "\033[?3l");
    assert_left_alone("\033[?2048$p", "2048");
}

static void test_colours_and_cursor_are_the_users(void)
{
    assert_undone("\033]11;#102030\033\\", "\033]111\033\\");
    assert_undone("\033]12;red\a", "\033]112\033\\");
    assert_undone("\033]4;1;red\a", "\033]104\033\\");
    assert_undone("\033[5 q", "\033[0 q");
    assert_left_alone("\033]11;?\a\033]0;4;title\a", "\033]1");
    assert_left_alone("\033[>q\033[31m", " q");
    assert_left_alone("\033[5 q\033c", " q");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/screen-modes/" #name, test_##name)
    ADD(other_screen_is_seen);
    ADD(end_of_other_screen_is_seen);
    ADD(what_only_looks_like_it_is_not);
    ADD(numbers_without_end_do_no_harm);
    ADD(other_screen_is_left_only_if_it_is_shown);
    ADD(keys_are_popped_as_often_as_pushed);
    ADD(private_modes_are_as_before);
    ADD(colours_and_cursor_are_the_users);
    return g_test_run();
}
