/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include <glib/gstdio.h>

#include "log-reader.h"
#include "util.h"

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
                                            .kind = AGENT_KIND_CLAUDE});
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
    g_assert_true(run_log_refresh(fixture->log, folder));
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
    event_batch_unref(log_reader_read(first, NULL));
    for (guint turns = 0; log_reader_backlog(second) > 0; turns++) {
        g_assert_cmpuint(turns, <, 100);
        event_batch_unref(log_reader_read(second, NULL));
    }
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
    return g_test_run();
}
