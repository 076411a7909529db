/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shim/cgroup.h"

/*
 * `started` and `exit.json` tell the daemon of a run, whether it lives at that moment or not. Their
 * blocks are reserved at the start, so that a full disk can't keep the end a secret.
 */

typedef struct Report {
    uint64_t offset;    /* where the agent's output begins */
    pid_t agent;        /* 0: its program never executed */
    uint64_t started;   /* when its program executed, µs since the epoch; 0: never */
    const char *failed; /* SHIM_REASON_SETUP, SHIM_REASON_EXEC, or NULL */
    const char *step;   /* at what, and errno; NULL: at nothing but an exit status */
    int error;
    unsigned setup; /* the setup command that failed */
    bool exited;    /* one of these two is known */
    int exit_code;
    int exit_signal; /* 0: none */
} Report;

typedef struct ReportEnd {
    const char *reason;
    uint64_t bytes;
    uint64_t lost; /* output that could not be written */
    unsigned left_behind;
} ReportEnd;

/** Returns 0 or -errno. */
int report_reserve(int folder);

/** Writes `started`: the agent's program executes, or @report says what failed. Returns 0, or
 *  -errno where it is to be tried again. */
int report_started(int folder, const Report *report);

/** Writes `exit.json`; no `started` can follow. False where that failed. */
bool report_end(int folder, const Report *report, const ReportEnd *end, const Cgroup *cgroup);
