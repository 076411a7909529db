/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/shim-util.h"
#include "store/shim-protocol.h"

/* Larger than either file ever gets. */
#define RESERVED 1024

#define STARTED "started"
#define STARTED_TMP "started.tmp"
#define EXIT "exit.json"
#define EXIT_TMP "exit.json.tmp"

/* Every string that goes in is one of our own constants: nothing needs escaping. */
typedef struct Json {
    size_t length;
    char text[RESERVED];
} Json;

static void add(Json *json, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(Json *json, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    json->length += (size_t)vsnprintf(json->text + json->length, sizeof json->text - json->length,
                                      format, arguments);
    va_end(arguments);
}

static void add_number(Json *json, const char *key, uint64_t value)
{
    add(json, ",\"%s\":%" PRIu64, key, value);
}

static void add_string(Json *json, const char *key, const char *value)
{
    add(json, ",\"%s\":\"%s\"", key, value);
}

static int reserve(int folder, const char *name)
{
    autofd fd = open_at(folder, name, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0)
        return fd;
    return -posix_fallocate(fd, 0, RESERVED);
}

int report_reserve(int folder)
{
    int r = reserve(folder, STARTED_TMP);
    return r < 0 ? r : reserve(folder, EXIT_TMP);
}

static int write_file(int folder, const char *name, const Json *json)
{
    autofd fd = open_at(folder, name, O_WRONLY | O_CREAT);
    if (fd < 0)
        return fd;
    ssize_t n = pwrite(fd, json->text, json->length, 0);
    if (n < 0)
        return -errno;
    if ((size_t)n != json->length)
        return -ENOSPC;
    return ftruncate(fd, n) < 0 ? -errno : 0;
}

/* Returns 0 or -errno. */
static int publish(int folder, const char *temporary, const char *name, Json *json)
{
    add(json, "}\n");
    int r = write_file(folder, temporary, json);
    if (r == 0 && renameat(folder, temporary, folder, name) < 0)
        r = -errno;
    return r;
}

static void add_exit(Json *json, const Report *report)
{
    if (!report->exited)
        return;
    if (report->exit_signal != 0)
        add_number(json, "exit_signal", (uint64_t)report->exit_signal);
    else
        add_number(json, "exit_code", (uint64_t)report->exit_code);
}

static void add_failure(Json *json, const Report *report)
{
    if (!report->failed)
        return;
    add_string(json, "failed", report->failed);
    if (strcmp(report->failed, SHIM_REASON_SETUP) == 0)
        add_number(json, "setup", report->setup);
    if (report->step) {
        add_string(json, "step", report->step);
        add_number(json, "errno", (uint64_t)report->error);
    }
}

int report_started(int folder, const Report *report)
{
    Json json = {0};
    add(&json, "{\"format\":%d", SHIM_FILE_FORMAT);
    add_number(&json, "shim_pid", (uint64_t)getpid());
    if (report->agent > 0)
        add_number(&json, "agent_pid", (uint64_t)report->agent);
    add_number(&json, "offset", report->offset);
    add_number(&json, "time", report->started ? report->started : wall_usec());
    add_failure(&json, report);
    if (report->failed) /* a late one must not tell of the end */
        add_exit(&json, report);
    return publish(folder, STARTED_TMP, STARTED, &json);
}

static void add_figures(Json *json, const Cgroup *cgroup)
{
    uint64_t value;
    if (cgroup_oom_kills(cgroup, &value))
        add_number(json, "oom_kills", value);
    if (cgroup_memory_peak(cgroup, &value))
        add_number(json, "memory_peak", value);
    if (cgroup_cpu_usec(cgroup, &value))
        add_number(json, "cpu_usec", value);
}

bool report_end(int folder, const Report *report, const ReportEnd *end, const Cgroup *cgroup)
{
    Json json = {0};
    add(&json, "{\"format\":%d", SHIM_FILE_FORMAT);
    add_string(&json, "reason", end->reason);
    add_exit(&json, report);
    if (report->started != 0)
        add_number(&json, "started", report->started);
    add_number(&json, "ended", wall_usec());
    add_number(&json, "offset", report->offset);
    add_number(&json, "bytes", end->bytes);
    if (end->lost > 0)
        add_number(&json, "lost", end->lost);
    add_number(&json, "left_behind", end->left_behind);
    add_figures(&json, cgroup);
    add_failure(&json, report);
    /* A stop during setup leaves none of it. */
    unlinkat(folder, STARTED_TMP, 0);
    int r = publish(folder, EXIT_TMP, EXIT, &json);
    if (r < 0)
        complain("writing %s: %s", EXIT, strerror(-r));
    return r == 0;
}
