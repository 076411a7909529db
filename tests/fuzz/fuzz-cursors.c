/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>

#include <unistd.h>

#include "agents/kind.h"
#include "base/util.h"
#include "transcript/log.h"
#include "transcript/reader.h"

/*
 * Any cursor of a client in any transcript: refused, or the reader continues behind it as one that
 * has read everything before. The first eight bytes are the cursor, the rest is the transcript.
 */

#define MAX_EVENTS 64

static int folder_fd = -1, transcript_fd = -1;

static void remove_folder(void)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", folder_fd);
    g_autofree char *path = g_file_read_link(link, NULL);
    unlinkat(folder_fd, "transcript", 0);
    (void)rmdir(path);
}

static void make_folder(void)
{
    g_autofree char *path = g_dir_make_tmp("storkit-fuzz-XXXXXX", NULL);
    folder_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    transcript_fd = openat(folder_fd, "transcript", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    fuzz_check(folder_fd >= 0 && transcript_fd >= 0);
    atexit(remove_folder);
}

static RunLog *open_log(const uint8_t *data, size_t size)
{
    RunLog *log = run_log_new(&(RunRecord){.project_root = (char *)"/shop",
                                           .story = (char *)"42",
                                           .agent = (char *)"coder",
                                           .run_id = (char *)"42.coder.0123456789",
                                           .kind = &agent_kind_claude});
    fuzz_check(ftruncate(transcript_fd, 0) == 0);
    fuzz_check(pwrite(transcript_fd, data, size, 0) == (ssize_t)size);
    run_log_refresh(log, folder_fd, NULL);
    run_log_complete(log, size);
    return log;
}

/* The cursors of the events behind @cursor, which grow: G_MAXUINT64 where that is refused. */
static guint read_cursors(RunLog *log, guint64 cursor, guint64 ret_cursors[MAX_EVENTS])
{
    g_autoptr(LogReader) reader = log_reader_new(log, cursor, NULL);
    guint64 last = cursor;
    EventBatch *batch;
    guint n = 0;
    if (!reader)
        return G_MAXUINT;
    while (n < MAX_EVENTS && (batch = log_reader_decode(reader, NULL))) {
        for (guint i = 0; i < batch->events->len && n < MAX_EVENTS; i++) {
            const Event *event = event_batch_get(batch, i);
            fuzz_check(event->cursor > last);
            last = ret_cursors[n++] = event->cursor;
        }
        event_batch_unref(batch);
    }
    return n;
}

/* Behind each event, a new reader continues with the next one. */
static void check_each(RunLog *log, const guint64 *all, guint n)
{
    guint64 rest[MAX_EVENTS];
    for (guint i = 0; i < n; i++) {
        guint left = read_cursors(log, all[i], rest);
        fuzz_check(left >= n - i - 1 && left != G_MAXUINT);
        for (guint j = i + 1; j < n; j++)
            fuzz_check(rest[j - i - 1] == all[j]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    guint64 cursor, all[MAX_EVENTS], rest[MAX_EVENTS];
    if (folder_fd < 0)
        make_folder();
    if (size < sizeof cursor)
        return 0;
    memcpy(&cursor, data, sizeof cursor);
    g_autoptr(RunLog) log = open_log(data + sizeof cursor, size - sizeof cursor);
    guint n = read_cursors(log, 0, all);
    fuzz_check(n != G_MAXUINT && n > 0);
    check_each(log, all, MIN(n, MAX_EVENTS / 4));
    (void)read_cursors(log, cursor % (2 * size + 32), rest);
    (void)read_cursors(log, cursor, rest);
    return 0;
}
