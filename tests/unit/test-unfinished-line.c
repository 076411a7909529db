/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "run/unfinished-line.h"

/* What is shown of @bytes, of which @start are before the line. Caller frees. */
static char *shown(const char *bytes, gsize start)
{
    autofd fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    g_assert_true(write_all(fd, bytes, strlen(bytes)));
    return unfinished_line_read(fd, start, strlen(bytes));
}

static void test_line_is_as_a_terminal_shows_it(void)
{
    static const struct {
        const char *bytes;
        gsize start;
        const char *shown;
    } cases[] = {
        {"one\ntwo", 4, "two"}, {"one\n", 4, NULL},
        {"  \r", 0, NULL},      {"1%\r50%\r", 0, "50%"},
        {"1%\r50%", 0, "50%"},  {"\033[1mProceed?\033[0m [y/N] ", 0, "Proceed? [y/N]"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = shown(cases[i].bytes, cases[i].start);
        g_assert_cmpstr(line, ==, cases[i].shown);
    }
}

static void test_long_line_is_shown_by_its_end(void)
{
    g_autoptr(GString) text = g_string_new("x");
    for (guint i = 0; i < 4000; i++)
        g_string_append(text, "\u00fc");
    g_autofree char *line = shown(text->str, 0);
    g_assert_cmpuint(strlen(line), <=, 4096);
    g_assert_true(g_utf8_validate(line, -1, NULL));
    g_assert_null(strstr(line, "\uFFFD"));
    g_assert_true(g_str_has_suffix(text->str, line));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/unfinished-line/is-as-a-terminal-shows-it",
                    test_line_is_as_a_terminal_shows_it);
    g_test_add_func("/unfinished-line/long-one-is-shown-by-its-end",
                    test_long_line_is_shown_by_its_end);
    return g_test_run();
}
