/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The shim's own cgroup (the scope) and the sub-cgroup `agent` in which everything else runs.
 */

typedef struct Cgroup {
    int scope;  /* folders */
    int agent;  /* made by cgroup_open() */
    int events; /* the agent's cgroup.events: POLLPRI when it changes */
} Cgroup;

/** Finds the scope and makes `agent` in it. Returns 0 or -errno. */
int cgroup_open(Cgroup *ret_cgroup);

/** Whether process @pid is in our scope or below it. */
bool cgroup_holds(pid_t pid);

/** Whether a process is left in `agent` or below. Reading it arms POLLPRI. */
bool cgroup_populated(const Cgroup *cgroup);

/** Whether every process in `agent` is frozen. Reading it arms POLLPRI. */
bool cgroup_frozen(const Cgroup *cgroup);

/** Sends @signal to each process in the scope but us, wherever it moved itself; 0 only counts.
 *  Returns how many there were. A process that is born meanwhile may be missed. */
unsigned cgroup_signal(const Cgroup *cgroup, int signal);

/** Thaws frozen processes: a frozen one never sees a signal. */
void cgroup_thaw(const Cgroup *cgroup);

/** Kills every process in `agent` and below, those that are being forked too; and those that moved
 *  themselves elsewhere in the scope, as cgroup_signal() finds them. */
void cgroup_kill(const Cgroup *cgroup);

/** For the very end: where another process is left in the scope, kills all of it, us included. */
void cgroup_kill_beside(const Cgroup *cgroup);

/** Figures. False where this machine does not have them. */
bool cgroup_cpu_usec(const Cgroup *cgroup, uint64_t *ret_usec);
bool cgroup_memory_peak(const Cgroup *cgroup, uint64_t *ret_bytes);
bool cgroup_oom_kills(const Cgroup *cgroup, uint64_t *ret_kills);
