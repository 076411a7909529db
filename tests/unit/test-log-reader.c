/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include <glib/gstdio.h>

#include "transcript/reader.h"
#include "base/util.h"

#define MIB (1024u * 1024)

/* The most that one turn may take, with room for what is read at once. */
#define MAX_TURN (MIB / 8)

typedef struct {
    char *folder;
    RunLog *log;
} Fixture;

static void fixture_set_up(Fixture *fixture, gconstpointer data)
{
    fixture->folder = g_dir_make_tmp("storkit-test.XXXXXX", NULL);
    fixture->log = run_log_new(&(RunRecord){.project_root = (char *)"/shop",
                                            .story = (char *)"42",
                                            .agent = (char *)"coder",
                                            .run_id = (char *)"42.coder.0123456789",
                                            .kind = &agent_kind_claude});
}

static void fixture_tear_down(Fixture *fixture, gconstpointer data)
{
    g_autofree char *transcript = g_build_filename(fixture->folder, "transcript", NULL);
    run_log_unref(fixture->log);
    g_unlink(transcript);
    g_rmdir(fixture->folder);
    g_free(fixture->folder);
}

/* The log of a run that has printed @transcript, before its agent's program. */
static void write_transcript(Fixture *fixture, const GString *transcript)
{
    g_autofree char *path = g_build_filename(fixture->folder, "transcript", NULL);
    g_assert_true(g_file_set_contents(path, transcript->str, (gssize)transcript->len, NULL));
    autofd folder = open(fixture->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_true(run_log_refresh(fixture->log, folder, NULL));
}

static GString *repeat(char c, gsize n)
{
    GString *text = g_string_sized_new(n + 16);
    g_string_set_size(text, n);
    memset(text->str, c, n);
    return text;
}

static LogReader *open_behind_pending(const Fixture *fixture)
{
    LogReader *reader = log_reader_new(fixture->log, LOG_CURSOR_PENDING, NULL);
    g_assert_nonnull(reader);
    return reader;
}

/* Reads up to the next event, in turns; a turn takes at most MAX_TURN off what is before it. */
static EventBatch *read_event(LogReader *reader, guint *turns)
{
    for (*turns = 1;; (*turns)++) {
        guint64 before = log_reader_backlog(reader);
        EventBatch *batch = log_reader_decode(reader, NULL);
        g_assert_nonnull(batch);
        if (batch->events->len > 0)
            return batch;
        g_assert_cmpuint(before - log_reader_backlog(reader), <=, MAX_TURN);
        event_batch_unref(batch);
    }
}

static void test_lines_without_events_are_read_in_turns(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GString) transcript = repeat('\n', 2 * MIB);
    g_string_append(transcript, "hello\n");
    write_transcript(fixture, transcript);

    g_autoptr(LogReader) reader = open_behind_pending(fixture);
    guint turns;
    g_autoptr(EventBatch) batch = read_event(reader, &turns);
    g_assert_cmpuint(turns, >=, 2 * MIB / MAX_TURN);
    g_assert_cmpstr(event_batch_get(batch, 0)->text, ==, "hello");
    g_assert_null(log_reader_decode(reader, NULL));
}

static void test_end_of_a_long_line_is_searched_in_turns(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GString) transcript = repeat('x', 20 * MIB);
    g_string_append(transcript, "\n");
    write_transcript(fixture, transcript);

    g_autoptr(LogReader) reader = open_behind_pending(fixture);
    guint turns;
    g_autoptr(EventBatch) batch = read_event(reader, &turns);
    const Event *event = event_batch_get(batch, 0);
    g_assert_cmpuint(turns, >, 2);
    g_assert_cmpuint(event->full_length, ==, 20 * MIB);

    g_autoptr(LogReader) behind = log_reader_new(fixture->log, event->cursor, NULL);
    g_assert_nonnull(behind);
    g_assert_null(log_reader_decode(behind, NULL));
}

static void test_readers_at_one_place_search_each_for_itself(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GString) transcript = repeat('x', 20 * MIB);
    g_string_append(transcript, "\n");
    write_transcript(fixture, transcript);

    g_autoptr(LogReader) first = open_behind_pending(fixture);
    g_autoptr(LogReader) second = open_behind_pending(fixture);
    g_autoptr(EventBatch) batch = log_reader_decode(first, NULL);
    g_assert_false(log_reader_take(second, batch));
    for (guint turns = 0; log_reader_backlog(second) > 0; turns++) {
        g_assert_cmpuint(turns, <, 100);
        event_batch_unref(log_reader_decode(second, NULL));
    }
}

static void test_reader_takes_a_batch_that_begins_where_it_stands(Fixture *fixture,
                                                                  gconstpointer data)
{
    g_autoptr(GString) transcript = g_string_new("one\ntwo\n");
    write_transcript(fixture, transcript);

    g_autoptr(LogReader) first = open_behind_pending(fixture);
    g_autoptr(LogReader) second = open_behind_pending(fixture);
    g_autoptr(EventBatch) batch = log_reader_decode(first, NULL);
    g_assert_true(log_reader_take(second, batch));
    g_assert_cmpuint(log_reader_cursor(second), ==, log_reader_cursor(first));
    g_assert_null(log_reader_decode(second, NULL));
    g_assert_false(log_reader_take(second, batch));
}

static void test_batch_of_another_log_is_not_taken(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GString) transcript = g_string_new("one\n");
    write_transcript(fixture, transcript);
    Fixture other = {0};
    fixture_set_up(&other, data);
    write_transcript(&other, transcript);

    g_autoptr(LogReader) reader = open_behind_pending(fixture);
    LogReader *others = open_behind_pending(&other);
    g_autoptr(EventBatch) batch = log_reader_decode(reader, NULL);
    g_assert_false(log_reader_take(others, batch));
    log_reader_free(others);
    fixture_tear_down(&other, data);
}

/* A line of @length bytes without a block on the disk, and @behind it. */
static void write_giant_line(Fixture *fixture, guint64 length, const char *behind)
{
    g_autofree char *path = g_build_filename(fixture->folder, "transcript", NULL);
    autofd fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    gsize n = strlen(behind);
    g_assert_cmpint(ftruncate(fd, (off_t)length), ==, 0);
    g_assert_cmpint(pwrite(fd, behind, n, (off_t)length), ==, (gssize)n);
    autofd folder = open(fixture->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_true(run_log_refresh(fixture->log, folder, NULL));
}

static gboolean is_event(const Fixture *fixture, guint64 cursor)
{
    g_autoptr(LogReader) reader = log_reader_new(fixture->log, cursor, NULL);
    return reader != NULL;
}

/* To read it all would take minutes, and to look for its start from its end as long. */
static void test_cursors_in_a_giant_line_cost_little(Fixture *fixture, gconstpointer data)
{
    guint64 length = 128 * (guint64)1024 * MIB;
    write_giant_line(fixture, length, "\nhello\n");

    g_test_timer_start();
    g_assert_false(is_event(fixture, 16 + 1000));
    g_assert_false(is_event(fixture, 16 + length / 2));
    g_assert_false(is_event(fixture, 16 + length - 1000));
    g_assert_false(is_event(fixture, 16 + length));
    g_assert_true(is_event(fixture, 16 + length + 1));
    g_assert_true(is_event(fixture, 16 + length + 7));
    g_assert_false(is_event(fixture, 16 + length + 8));
    g_assert_cmpfloat(g_test_timer_elapsed(), <, 10);

    g_autoptr(LogReader) reader = log_reader_new(fixture->log, 16 + length + 1, NULL);
    guint turns;
    g_autoptr(EventBatch) batch = read_event(reader, &turns);
    g_assert_cmpstr(event_batch_get(batch, 0)->text, ==, "hello");
}

static void test_last_line_that_is_giant_has_its_cursor(Fixture *fixture, gconstpointer data)
{
    guint64 length = 20 * MIB;
    write_giant_line(fixture, length, "");
    g_assert_false(is_event(fixture, 16 + length));
    run_log_complete(fixture->log, length);
    g_assert_true(is_event(fixture, 16 + length));
    g_assert_false(is_event(fixture, 16 + length + 1));
}

/* The longest line that is none, and the shortest that is. */
static void test_lines_about_the_limit_have_their_cursors(Fixture *fixture, gconstpointer data)
{
    for (guint64 length = LOG_MAX_LINE; length <= LOG_MAX_LINE + 2; length++) {
        write_giant_line(fixture, length, "\nhello\n");
        g_assert_true(is_event(fixture, 16 + length + 1));
        fixture_tear_down(fixture, data);
        fixture_set_up(fixture, data);
    }
}

static void test_head_in_a_giant_line_finds_its_start_in_turns(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GString) transcript = g_string_new("one\n");
    g_string_append(transcript, "two");
    write_transcript(fixture, transcript);
    write_giant_line(fixture, 40 * MIB, "");

    g_autoptr(LogReader) reader = log_reader_new_at_head(fixture->log);
    g_assert_cmpuint(log_reader_backlog(reader), <, LOG_MAX_LINE);
    guint64 head = log_reader_cursor(reader);
    guint turns = 0;
    for (EventBatch *batch; (batch = log_reader_decode(reader, NULL)); turns++) {
        g_assert_cmpuint(batch->events->len, ==, 0);
        event_batch_unref(batch);
    }
    g_assert_cmpuint(turns, >, 2);
    g_assert_cmpuint(log_reader_backlog(reader), ==, 40 * MIB - strlen("one\n"));

    write_giant_line(fixture, 40 * MIB, "\n");
    g_autoptr(EventBatch) batch = log_reader_decode(reader, NULL);
    const Event *event = event_batch_get(batch, 0);
    g_assert_cmpuint(event->full_length, ==, 40 * MIB - strlen("one\n"));
    g_assert_true(g_str_has_prefix(event->text, "two"));
    g_assert_cmpuint(event->cursor, >, head);
}

static void test_empty_transcript_has_no_cursor(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_build_filename(fixture->folder, "transcript", NULL);
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    autofd folder = open(fixture->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    run_log_refresh(fixture->log, folder, NULL);
    g_assert_false(is_event(fixture, 17));
}

/* As a machine that went down may leave it: `started` is on the disk, and what was printed is not.
 */
static void test_transcript_cut_within_setup_has_its_end(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_build_filename(fixture->folder, "started", NULL);
    const char *started = "{\"format\":1,\"shim_pid\":2,\"agent_pid\":3,\"offset\":50,\"time\":4}";
    g_assert_true(g_file_set_contents(path, started, -1, NULL));
    write_giant_line(fixture, 10, "");
    run_log_complete(fixture->log, 10);
    g_autoptr(RunResult) result = run_result_new(OUTCOME_FAILED, "gone");
    run_log_end(fixture->log, result);

    g_autoptr(LogReader) reader = open_behind_pending(fixture);
    while (!log_reader_is_at_end(reader)) {
        EventBatch *batch = log_reader_decode(reader, NULL);
        g_assert_nonnull(batch);
        event_batch_unref(batch);
    }
    g_unlink(path);
}

static void append_to_transcript(Fixture *fixture, const char *text)
{
    g_autofree char *path = g_build_filename(fixture->folder, "transcript", NULL);
    FILE *file = fopen(path, "ae");
    g_assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
    autofd folder = open(fixture->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_true(run_log_refresh(fixture->log, folder, NULL));
}

static void test_place_behind_a_line_without_an_event_is_found_again(Fixture *fixture,
                                                                     gconstpointer data)
{
    g_autoptr(GString) transcript = g_string_new("hello\n\n");
    write_transcript(fixture, transcript);
    g_autoptr(LogReader) head = log_reader_new_at_head(fixture->log);
    guint64 cursor = log_reader_cursor(head);
    g_assert_null(log_reader_new(fixture->log, cursor, NULL));
    g_assert_null(log_reader_new_again(fixture->log, cursor + 1));

    g_autoptr(LogReader) again = log_reader_new_again(fixture->log, cursor);
    g_assert_nonnull(again);
    g_assert_cmpuint(log_reader_cursor(again), ==, cursor);
    g_assert_null(log_reader_decode(again, NULL));
    append_to_transcript(fixture, "world\n");
    g_autoptr(EventBatch) batch = log_reader_decode(again, NULL);
    g_assert_cmpuint(batch->events->len, ==, 1);
    g_assert_cmpstr(event_batch_get(batch, 0)->text, ==, "world");
}

static void test_place_inside_of_a_long_line_is_found_again(Fixture *fixture, gconstpointer data)
{
    write_giant_line(fixture, 5 * MIB, "");
    g_autoptr(LogReader) head = log_reader_new_at_head(fixture->log);
    guint64 cursor = log_reader_cursor(head);
    g_assert_cmpuint(cursor, >, 16);
    g_assert_false(is_event(fixture, cursor));

    g_autoptr(LogReader) again = log_reader_new_again(fixture->log, cursor);
    g_assert_nonnull(again);
    write_giant_line(fixture, 5 * MIB, "\n");
    guint turns;
    g_autoptr(EventBatch) batch = read_event(again, &turns);
    g_assert_cmpuint(event_batch_get(batch, 0)->cursor, ==, 16 + 5 * MIB + 1);
}

#define TEST(path, function)                                                                       \
    g_test_add(path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("/log-reader/lines-without-events-are-read-in-turns",
         test_lines_without_events_are_read_in_turns);
    TEST("/log-reader/end-of-a-long-line-is-searched-in-turns",
         test_end_of_a_long_line_is_searched_in_turns);
    TEST("/log-reader/readers-at-one-place-search-each-for-itself",
         test_readers_at_one_place_search_each_for_itself);
    TEST("/log-reader/reader-takes-a-batch-that-begins-where-it-stands",
         test_reader_takes_a_batch_that_begins_where_it_stands);
    TEST("/log-reader/batch-of-another-log-is-not-taken", test_batch_of_another_log_is_not_taken);
    TEST("/log-reader/cursors-in-a-giant-line-cost-little",
         test_cursors_in_a_giant_line_cost_little);
    TEST("/log-reader/last-line-that-is-giant-has-its-cursor",
         test_last_line_that_is_giant_has_its_cursor);
    TEST("/log-reader/lines-about-the-limit-have-their-cursors",
         test_lines_about_the_limit_have_their_cursors);
    TEST("/log-reader/head-in-a-giant-line-finds-its-start-in-turns",
         test_head_in_a_giant_line_finds_its_start_in_turns);
    TEST("/log-reader/empty-transcript-has-no-cursor", test_empty_transcript_has_no_cursor);
    TEST("/log-reader/transcript-cut-within-setup-has-its-end",
         test_transcript_cut_within_setup_has_its_end);
    TEST("/log-reader/place-behind-a-line-without-an-event-is-found-again",
         test_place_behind_a_line_without_an_event_is_found_again);
    TEST("/log-reader/place-inside-of-a-long-line-is-found-again",
         test_place_inside_of_a_long_line_is_found_again);
    return g_test_run();
}
