/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shim/cgroup.h"
#include "shim/options.h"

/*
 * The shim's own limits: how long the agent may run, be silent, and live on after its closing line.
 * Only the first counts while the agent is frozen, or paused by us; none while it waits for an
 * answer.
 */

typedef struct Limits {
    uint64_t runtime_at; /* deadlines, NEVER: off */
    uint64_t idle_at;
    uint64_t result_at;
    pid_t agent;        /* the main process */
    uint64_t cpu_since; /* when … */
    int64_t cpu_usec;   /* … its descendants had used at most this much */
    bool frozen;        /* it can do nothing */
    bool waiting;       /* for an answer, … */
    uint64_t waiting_since;
} Limits;

/** All off. */
void limits_init(Limits *limits);

/** The agent, whose main process is @agent, starts. */
void limits_start(Limits *limits, const Options *options, pid_t agent, uint64_t now);

/** It printed something. */
void limits_output(Limits *limits, const Options *options, const Cgroup *cgroup, uint64_t now);

/** It printed its closing line, which begins its grace. Output and a working descendant restart it;
 * CPU time of the main process does not. */
void limits_closing(Limits *limits, const Options *options, const Cgroup *cgroup, uint64_t now);

/** It may have been frozen or thawed. A thaw restarts its silence and its grace. */
void limits_freezer(Limits *limits, const Options *options, const Cgroup *cgroup, uint64_t now);

/** It waits for an answer, or waits no longer: the time between does not count. */
void limits_wait(Limits *limits, const Options *options, const Cgroup *cgroup, bool waiting,
                 uint64_t now);

/** The earliest deadline. While the transcript is @held the agent's silence is our doing. */
uint64_t limits_next(const Limits *limits, bool held);

/** Which limit is over, as a SHIM_REASON_, or NULL. */
const char *limits_check(Limits *limits, const Options *options, const Cgroup *cgroup, bool held,
                         uint64_t now);
