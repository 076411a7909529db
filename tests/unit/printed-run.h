/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/util.h"
#include "run/run.h"
#include "store/start-options.h"

/*
 * Runs for what works on runs: a folder with a transcript, and neither a shim nor a systemd.
 */

static const RunKeeper no_keeper = {NULL};

/** The record of a new run. Caller frees. */
static inline RunRecord *fresh_record(const char *root, const char *story, const char *agent)
{
    static guint count;
    RunRecord *record = g_new0(RunRecord, 1);
    record->project_root = g_strdup(root);
    record->story = g_strdup(story);
    record->agent = g_strdup(agent);
    record->run_id = g_strdup_printf("%s.%s.%010u", story, agent, ++count);
    record->unit = g_strdup_printf("app-storkit-%s.scope", record->run_id);
    record->kind = agent_kind_find("raw");
    record->options = start_options_new();
    record->created = now_usec();
    return record;
}

/** A run that is being made. Caller unrefs. */
static inline Run *fresh_run(const char *root, const char *story, const char *agent)
{
    return run_new(fresh_record(root, story, agent), NULL, NULL, &no_keeper, NULL);
}

/* A folder with @text as its transcript, which is gone when it is closed. */
static inline int printed_folder(const char *text)
{
    g_autofree char *path = g_dir_make_tmp("storkit-test.XXXXXX", NULL);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    autofd file = openat(fd, "transcript", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(write(file, text, strlen(text)), ==, (gssize)strlen(text));
    return fd;
}

static inline void printed_folder_remove(const Run *run)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", run_get_folder_fd(run));
    g_autofree char *path = g_file_read_link(link, NULL);
    unlinkat(run_get_folder_fd(run), "transcript", 0);
    unlinkat(run_get_folder_fd(run), "cursors", 0);
    g_rmdir(path);
}

/** Ends @run, which has printed @text. */
static inline void end_printed(Run *run, const char *text)
{
    RunResult *result = run_result_new(OUTCOME_COMPLETED, NULL);
    result->bytes = strlen(text);
    run_take_found(run, printed_folder(text), result);
    run_open_cursors(run);
}

/** A run that has printed @text and is over. Caller: printed_folder_remove(), and unrefs. */
static inline Run *printed_run(const char *story, const char *text)
{
    Run *run = fresh_run("/shop", story, "coder");
    end_printed(run, text);
    return run;
}

/** A run that has printed @text and goes on. The same. */
static inline Run *printing_run(const char *story, const char *text)
{
    Run *run = fresh_run("/shop", story, "coder");
    run_take_found(run, printed_folder(text), NULL);
    run_open_cursors(run);
    run_log_refresh(run_get_log(run), run_get_folder_fd(run), NULL);
    return run;
}
