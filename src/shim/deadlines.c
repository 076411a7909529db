/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/deadlines.h"

#include "shim/shim-util.h"
#include "store/shim-protocol.h"

/* Descendants that use less of a core than this are waiting, not working. */
#define ACTIVE_PERCENT 2

/* The CPU figures of an agent that prints a lot are not read more often than this. */
#define CPU_INTERVAL (100 * USEC_PER_MSEC)

void limits_init(Limits *limits)
{
    *limits = (Limits){.runtime_at = NEVER, .idle_at = NEVER, .result_at = NEVER};
}

static uint64_t deadline(uint64_t now, uint64_t span)
{
    return span == 0 ? NEVER : later(now, span);
}

void limits_start(Limits *limits, const Options *options, pid_t agent, uint64_t now)
{
    limits->agent = agent;
    limits->runtime_at = deadline(now, options->runtime_max);
    limits->idle_at = deadline(now, options->idle_timeout);
}

/* CPU time that the descendants have used so far. The main process does not count: the native
 * claude never rests while a background task lives, even one that only sleeps. Its share of the
 * cgroup's figure lies between two readings of its own clock, so the result has bounds. */
static bool measure_descendants(const Limits *limits, const Cgroup *cgroup, int64_t *ret_at_least,
                                int64_t *ret_at_most)
{
    uint64_t all;
    uint64_t before = process_cpu_usec(limits->agent);
    if (!cgroup_cpu_usec(cgroup, &all))
        return false;
    *ret_at_most = (int64_t)(all - before);
    *ret_at_least = (int64_t)(all - process_cpu_usec(limits->agent));
    return true;
}

static void begin_result_grace(Limits *limits, const Options *options, const Cgroup *cgroup,
                               uint64_t now)
{
    limits->result_at = deadline(now, options->result_grace);
    if (now - limits->cpu_since < CPU_INTERVAL)
        return;
    int64_t at_least;
    limits->cpu_since = now;
    if (!measure_descendants(limits, cgroup, &at_least, &limits->cpu_usec))
        limits->cpu_usec = 0;
}

void limits_output(Limits *limits, const Options *options, const Cgroup *cgroup, uint64_t now)
{
    if (limits->idle_at != NEVER)
        limits->idle_at = deadline(now, options->idle_timeout);
    if (limits->result_at != NEVER)
        begin_result_grace(limits, options, cgroup, now);
}

void limits_closing(Limits *limits, const Options *options, const Cgroup *cgroup, uint64_t now)
{
    begin_result_grace(limits, options, cgroup, now);
}

void limits_freezer(Limits *limits, const Options *options, const Cgroup *cgroup, uint64_t now)
{
    bool was_frozen = limits->frozen;
    limits->frozen = cgroup_frozen(cgroup);
    if (was_frozen && !limits->frozen)
        limits_output(limits, options, cgroup, now);
}

void limits_wait(Limits *limits, const Options *options, const Cgroup *cgroup, bool waiting,
                 uint64_t now)
{
    if (waiting == limits->waiting)
        return;
    limits->waiting = waiting;
    if (waiting) {
        limits->waiting_since = now;
        return;
    }
    if (limits->runtime_at != NEVER)
        limits->runtime_at = later(limits->runtime_at, now - limits->waiting_since);
    limits_output(limits, options, cgroup, now);
}

uint64_t limits_next(const Limits *limits, bool held)
{
    if (limits->waiting)
        return NEVER;
    if (held || limits->frozen)
        return limits->runtime_at;
    return earlier(limits->runtime_at, earlier(limits->idle_at, limits->result_at));
}

static bool was_active(const Limits *limits, const Cgroup *cgroup, uint64_t now)
{
    int64_t at_least, at_most;
    return measure_descendants(limits, cgroup, &at_least, &at_most) &&
           (at_least - limits->cpu_usec) * 100 >
               (int64_t)(now - limits->cpu_since) * ACTIVE_PERCENT;
}

const char *limits_check(Limits *limits, const Options *options, const Cgroup *cgroup, bool held,
                         uint64_t now)
{
    if (limits->waiting)
        return NULL;
    if (now >= limits->runtime_at)
        return SHIM_REASON_RUNTIME;
    if (held || now < earlier(limits->idle_at, limits->result_at))
        return NULL;
    limits_freezer(limits, options, cgroup, now); /* the notification may not have arrived yet */
    if (limits->frozen)
        return NULL;
    if (now >= limits->idle_at)
        return SHIM_REASON_IDLE;
    if (now < limits->result_at)
        return NULL;
    if (!was_active(limits, cgroup, now))
        return SHIM_REASON_RESULT;
    begin_result_grace(limits, options, cgroup, now);
    return NULL;
}
