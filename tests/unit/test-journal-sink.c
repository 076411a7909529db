/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include <glib/gstdio.h>

#include "sinks/journal.h"
#include "base/util.h"

/* More than have a token in a tenth of a second. */
#define RUNS 40
#define LINES 50

typedef struct {
    char *folder;
    RunLog *log;
    SinkCursors *cursors;
} Printing;

static void printing_begin(Printing *printing)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < LINES; i++)
        g_string_append(text, "hello\n");
    printing->folder = g_dir_make_tmp("storkit-test.XXXXXX", NULL);
    printing->log = run_log_new(&(RunRecord){.project_root = (char *)"/shop",
                                             .story = (char *)"42",
                                             .agent = (char *)"coder",
                                             .run_id = (char *)"42.coder.0123456789",
                                             .kind = agent_kind_find("raw"),
                                             .created = now_usec()});
    g_autofree char *path = g_build_filename(printing->folder, "transcript", NULL);
    g_assert_true(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
    autofd folder = open(printing->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_true(run_log_refresh(printing->log, folder, NULL));
    printing->cursors = sink_cursors_open(folder, NULL);
    g_assert_nonnull(printing->cursors);
}

static void printing_end(Printing *printing)
{
    static const char *const files[] = {"transcript", "cursors"};
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(printing->folder, files[i], NULL);
        g_unlink(path);
    }
    g_rmdir(printing->folder);
    g_free(printing->folder);
    sink_cursors_unref(printing->cursors);
    run_log_unref(printing->log);
}

/* How many lines are in the journal: of the run with the fewest, and of that with the most. */
static void get_written(const Printing *runs, guint64 *ret_least, guint64 *ret_most)
{
    *ret_least = G_MAXUINT64;
    *ret_most = 0;
    for (gsize i = 0; i < RUNS; i++) {
        guint64 cursor = sink_cursors_get(runs[i].cursors, SINK_JOURNAL);
        guint64 lines = cursor > 16 ? (cursor - 16) / strlen("hello\n") : 0;
        *ret_least = MIN(*ret_least, lines);
        *ret_most = MAX(*ret_most, lines);
    }
}

/* While there are fewer tokens than runs, none gets ahead of the others. */
static void test_each_run_has_its_turn(void)
{
    static RunRecord record = {.unit = (char *)"app-storkit-test.scope"};
    Printing runs[RUNS];
    guint64 least, most = 0;
    for (gsize i = 0; i < RUNS; i++)
        printing_begin(&runs[i]);

    g_autoptr(Runs) register_ = runs_new();
    JournalSink *sink = journal_sink_new(register_);
    for (gsize i = 0; i < RUNS; i++)
        journal_sink_add(sink, runs[i].log, runs[i].cursors, &record);
    while (most < LINES) {
        g_usleep(1000);
        get_written(runs, &least, &most);
    }
    g_assert_cmpuint(least, >, LINES * 3 / 4);

    journal_sink_free(sink);
    for (gsize i = 0; i < RUNS; i++)
        printing_end(&runs[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/journal-sink/each-run-has-its-turn", test_each_run_has_its_turn);
    return g_test_run();
}
