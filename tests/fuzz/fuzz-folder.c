/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/util.h"
#include "store/cursors.h"
#include "store/record.h"
#include "store/result.h"
#include "store/shim-files.h"

/*
 * Any bytes as a file of a run's folder: read, or refused. What was read of run.json and
 * summary.json can be written, and reads the same again. The first byte says which file it is.
 */

static int folder_fd = -1;

static void remove_folder(void)
{
    static const char *const names[] = {"run.json", "summary.json", "started", "exit.json",
                                        "cursors"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        unlinkat(folder_fd, names[i], 0);
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", folder_fd);
    g_autofree char *path = g_file_read_link(link, NULL);
    (void)rmdir(path);
}

static void make_folder(void)
{
    g_autofree char *path = g_dir_make_tmp("storkit-fuzz-XXXXXX", NULL);
    folder_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    fuzz_check(folder_fd >= 0);
    atexit(remove_folder);
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
    autofd fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
}

static void check_record(void)
{
    g_autoptr(RunRecord) record = run_record_read(folder_fd, NULL);
    if (!record)
        return;
    fuzz_check(run_record_write(record, folder_fd, NULL));
    g_autoptr(RunRecord) again = run_record_read(folder_fd, NULL);
    fuzz_check(again && g_str_equal(again->run_id, record->run_id));
    fuzz_check(again->kind == record->kind && again->created == record->created);
}

static void check_result(void)
{
    gboolean listed = TRUE;
    g_autoptr(RunResult) result = run_result_load(folder_fd, &listed, NULL);
    if (!result)
        return;
    g_variant_unref(g_variant_ref_sink(run_result_event_data(result)));
    fuzz_check(run_result_save(result, listed, folder_fd, NULL));
    g_autoptr(RunResult) again = run_result_load(folder_fd, &listed, NULL);
    fuzz_check(again && again->outcome == result->outcome && again->bytes == result->bytes);
}

static void check_started(void)
{
    RunStarted started;
    (void)run_started_read(folder_fd, &started, NULL);
}

static void check_exit(void)
{
    RunExit exit;
    if (run_exit_read(folder_fd, &exit, NULL))
        fuzz_check(exit.reason != NULL);
}

/* The service writes to this one in place. */
static void check_cursors(void)
{
    g_autoptr(SinkCursors) cursors = sink_cursors_open(folder_fd, NULL);
    fuzz_check(cursors != NULL);
    (void)sink_cursors_get(cursors, SINK_JOURNAL);
    sink_cursors_set(cursors, SINK_BUS, 17);
    g_autoptr(SinkCursors) again = sink_cursors_open_existing(folder_fd);
    fuzz_check(again && sink_cursors_get(again, SINK_BUS) == 17);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *name;
        void (*check)(void);
    } files[] = {
        {"run.json", check_record}, {"summary.json", check_result}, {"started", check_started},
        {"exit.json", check_exit},  {"cursors", check_cursors},
    };
    if (folder_fd < 0)
        make_folder();
    if (size == 0)
        return 0;
    gsize i = data[0] % G_N_ELEMENTS(files);
    write_file(files[i].name, data + 1, size - 1);
    files[i].check();
    return 0;
}
