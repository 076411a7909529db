/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/table.h"

#include <locale.h>

#include "ctl/text.h"

static const Column columns[] = {
    {"STORY", .minimum = 6},
    {"TIME", .right = TRUE, .least = 6},
    {"NONE"},
    {"NOTE", .minimum = 4},
};

/* The lines of a table of two rows, which end in @note, one below the other. */
static char *lay_out(const char *story, const char *note, int width)
{
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    const char *const cells[] = {story, "1s", NULL, note, "b", "59s", NULL, "fine"};
    for (guint i = 0; i < G_N_ELEMENTS(cells); i++)
        table_add(table, STYLE_NONE, cells[i]);
    g_autoptr(GPtrArray) lines = table_lines(table, width);
    for (guint i = 0; i < lines->len; i++)
        g_assert_cmpint(text_width(lines->pdata[i]), <=, width);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

static void assert_laid_out(const char *story, const char *note, int width, const char *expected)
{
    g_autofree char *text = lay_out(story, note, width);
    g_assert_cmpstr(text, ==, expected);
}

static void test_columns_without_text_are_left_out(void)
{
    assert_laid_out("42_login", "", 80,
                    "STORY       TIME  NOTE\n"
                    "42_login      1s\n"
                    "b            59s  fine");
}

static void test_widest_columns_are_cut_first(void)
{
    assert_laid_out("42_login", "number 2 in the queue", 30,
                    "STORY       TIME  NOTE\n"
                    "42_login      1s  number 2 in…\n"
                    "b            59s  fine");
}

static void test_wide_and_combining_characters_keep_columns_in_place(void)
{
    assert_laid_out("日本語", "e\u0301 is one", 22,
                    "STORY     TIME  NOTE\n"
                    "日本語      1s  e\u0301 is …\n"
                    "b          59s  fine");
    assert_laid_out("日本語語", "-", 20,
                    "STORY     TIME  NOTE\n"
                    "日本…       1s  -\n"
                    "b          59s  fine");
}

static void test_last_columns_go_where_there_is_no_room(void)
{
    assert_laid_out("42_login", "number 2 in the queue", 19,
                    "STORY       TIME\n"
                    "42_login      1s\n"
                    "b            59s");
    assert_laid_out("42_login", "-", 12,
                    "STORY\n"
                    "42_login\n"
                    "b");
}

static void test_any_width_is_kept_to(void)
{
    for (int width = 1; width < 60; width++)
        g_free(lay_out("42_日本語_story", "e\u0301 number 2 in the queue", width));
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C.UTF-8");
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/table/" #name, test_##name)
    ADD(columns_without_text_are_left_out);
    ADD(widest_columns_are_cut_first);
    ADD(wide_and_combining_characters_keep_columns_in_place);
    ADD(last_columns_go_where_there_is_no_room);
    ADD(any_width_is_kept_to);
    return g_test_run();
}
