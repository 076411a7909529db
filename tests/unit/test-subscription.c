/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "printed-run.h"
#include "sinks/subscription.h"

/*
 * Subscriptions: a pipe each, from any cursor, each at its own pace.
 */

#define LONG_LINES 4000

typedef struct {
    Runs *runs;
    Subscriptions *subscriptions;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->runs = runs_new();
    fixture->subscriptions = subscriptions_new(fixture->runs);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    subscriptions_free(fixture->subscriptions);
    runs_free(fixture->runs);
}

static int subscribe(Fixture *fixture, Run *run, guint64 cursor)
{
    g_autoptr(GError) error = NULL;
    int fd = subscriptions_add(fixture->subscriptions, run, cursor, &error);
    g_assert_no_error(error);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Adds what is there by now; FALSE at the end of the file. */
static gboolean read_some(int fd, GString *text)
{
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n > 0)
        g_string_append_len(text, bytes, n);
    return n != 0;
}

/* Everything up to the end of the file. Caller frees. */
static char *read_all(int fd)
{
    GString *text = g_string_new(NULL);
    while (read_some(fd, text))
        g_main_context_iteration(NULL, FALSE);
    return g_string_free(text, FALSE);
}

static guint count(const char *text, const char *part)
{
    guint n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

static void test_all_of_an_ended_run_and_its_end(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Run) run = printed_run("42", "one\ntwo\n");
    autofd fd = subscribe(fixture, run, 0);
    g_autofree char *text = read_all(fd);
    g_assert_true(g_str_has_prefix(text, "{"));
    g_assert_cmpuint(count(text, "\"text\":\"one\""), ==, 1);
    g_assert_cmpuint(count(text, "\"text\":\"two\""), ==, 1);
    g_assert_cmpuint(count(text, "\"type\":\"done\""), ==, 1);
    g_assert_true(strstr(text, "\"one\"") < strstr(text, "\"two\""));
    g_assert_cmpuint(subscriptions_count(fixture->subscriptions), ==, 0);
    printed_folder_remove(run);
}

static void test_from_a_cursor_only_what_comes_after_it(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Run) run = printed_run("42", "one\ntwo\n");
    autofd fd = subscribe(fixture, run, LOG_CURSOR_BASE + strlen("one\n"));
    g_autofree char *text = read_all(fd);
    g_assert_cmpuint(count(text, "\"text\":\"one\""), ==, 0);
    g_assert_cmpuint(count(text, "\"text\":\"two\""), ==, 1);
    printed_folder_remove(run);
}

static void test_cursor_that_is_none_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Run) run = printed_run("42", "one\ntwo\n");
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(subscriptions_add(fixture->subscriptions, run, 1000, &error), ==, -1);
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT);
    g_assert_cmpuint(subscriptions_count(fixture->subscriptions), ==, 0);
    printed_folder_remove(run);
}

/* More than fits into a pipe. */
static char *long_text(void)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < LONG_LINES; i++)
        g_string_append_printf(text, "line %u\n", i);
    return g_string_free(text, FALSE);
}

static void test_one_that_does_not_read_holds_nobody_up(Fixture *fixture, gconstpointer data)
{
    g_autofree char *printed = long_text();
    g_autoptr(Run) run = printed_run("42", printed);
    int idle = subscribe(fixture, run, 0);
    autofd fd = subscribe(fixture, run, 0);
    g_autofree char *text = read_all(fd);
    g_assert_cmpuint(count(text, "\"type\":\"output\""), ==, LONG_LINES);
    g_assert_cmpuint(subscriptions_count(fixture->subscriptions), ==, 1);

    /* It reads on from where it was. */
    g_autofree char *late = read_all(idle);
    g_assert_cmpstr(late, ==, text);
    close(idle);
    printed_folder_remove(run);
}

static void test_one_that_goes_away_is_freed(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Run) run = printing_run("42", "one\n");
    int fd = subscribe(fixture, run, 0);
    g_autoptr(GString) text = g_string_new(NULL);
    while (!strstr(text->str, "one")) {
        g_assert_true(read_some(fd, text));
        g_main_context_iteration(NULL, FALSE);
    }
    close(fd);
    while (subscriptions_count(fixture->subscriptions) > 0)
        g_main_context_iteration(NULL, TRUE);
    printed_folder_remove(run);
}

static void tell_note(Fixture *fixture, Run *run, RunNote note)
{
    runs_tell(fixture->runs, &(RunNews){.kind = NEWS_NOTE, .run = run, .note = note});
}

static void test_note_comes_behind_what_was_printed(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Run) run = printing_run("42", "one\n");
    autofd fd = subscribe(fixture, run, 0);
    /* Nobody was told of the first two: only the last one counts. */
    tell_note(fixture, run, NOTE_DISK_FULL);
    tell_note(fixture, run, NOTE_DISK_ROOM);
    tell_note(fixture, run, NOTE_FROZEN);
    g_autoptr(GString) text = g_string_new(NULL);
    while (!strstr(text->str, "frozen")) {
        g_assert_true(read_some(fd, text));
        g_main_context_iteration(NULL, FALSE);
    }
    g_assert_true(strstr(text->str, "one") < strstr(text->str, "frozen"));
    g_assert_null(strstr(text->str, "disk_full"));
    g_assert_null(strstr(text->str, "running"));
    printed_folder_remove(run);
}

#define TEST(path, function)                                                                       \
    g_test_add("/subscription/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    TEST("all-of-an-ended-run-and-its-end", test_all_of_an_ended_run_and_its_end);
    TEST("from-a-cursor-only-what-comes-after-it", test_from_a_cursor_only_what_comes_after_it);
    TEST("cursor-that-is-none-is-refused", test_cursor_that_is_none_is_refused);
    TEST("one-that-does-not-read-holds-nobody-up", test_one_that_does_not_read_holds_nobody_up);
    TEST("one-that-goes-away-is-freed", test_one_that_goes_away_is_freed);
    TEST("note-comes-behind-what-was-printed", test_note_comes_behind_what_was_printed);
    return g_test_run();
}
