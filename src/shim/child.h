/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shim/cgroup.h"
#include "shim/confine.h"
#include "shim/soft-limits.h"

/*
 * The one process that the shim waits for: a setup command, then the agent. It leads a session of
 * its own, lives in the sub-cgroup `agent`, and dies with the shim.
 */

typedef struct Child {
    pid_t pid;  /* 0: none */
    int report; /* readable once its program executes or failed to; -1 after that */
} Child;

typedef struct ChildPlan {
    char *const *argv; /* argv[0] is looked up on PATH */
    const char *cwd;
    int input;        /* its stdin */
    int output;       /* its stdout */
    int terminal;     /* its stderr */
    bool controlling; /* the terminal is its controlling one */
    const SoftLimits *limits;
    const Confinement *confinement;
    int umask; /* -1: the shim's own */
} ChildPlan;

/** Why the program does not execute. */
typedef struct ChildFailure {
    const char *step; /* "process", "cgroup", "terminal", "cwd", "sandbox", "exec"; NULL: nothing,
                         it executes */
    int error;        /* errno */
} ChildFailure;

/** Returns once the process exists, not once its program executes. */
ChildFailure child_spawn(Child *ret_child, const ChildPlan *plan, const Cgroup *cgroup);

/** To be called when `report` is readable. Never blocks then. */
ChildFailure child_read_report(Child *child);

/** Whether it has exited; SIGCHLD says when to look. */
bool child_has_exited(const Child *child);

/** Reaps a child that has exited. @ret_signal is 0 where it was not killed by one. */
void child_reap(Child *child, int *ret_code, int *ret_signal);

/** Ctrl-C as a terminal would send it: to the child's process group, a stopped one too. */
void child_interrupt(const Child *child);
