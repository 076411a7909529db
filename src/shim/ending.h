/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shim/cgroup.h"
#include "shim/child.h"

/*
 * How a run is ended: SIGINT to the child's process group if the end was requested, SIGTERM to
 * every process at `term_at`, the kill at `kill_at`. The processes that a child leaves behind get
 * the same two with short deadlines, so every end takes this one path.
 */

typedef struct Ending {
    const char *reason;    /* SHIM_REASON_; NULL: not ending */
    uint64_t interrupt_at; /* deadlines; NEVER when passed or not set */
    uint64_t term_at;
    uint64_t kill_at;
    uint64_t give_up_at;   /* from then on a full disk no longer delays the end */
    uint64_t strays_until; /* the kill was; so long we wait for those out of the scope */
    unsigned left_behind;
} Ending;

void ending_init(Ending *ending);

/** A stop record: ends the run within @grace, or shortens the end that is under way. Where the
 * agent was @asked to leave off, its SIGINT comes later, or with the next stop. */
void ending_stop(Ending *ending, const Child *child, const Cgroup *cgroup, uint64_t grace,
                 bool asked, uint64_t now);

/** One of our limits: the same with another @reason, unless the run is being ended already. */
void ending_limit(Ending *ending, const char *reason, const Child *child, const Cgroup *cgroup,
                  uint64_t grace, uint64_t now);

/** A SIGTERM to the shim: someone stops the whole scope. */
void ending_outside(Ending *ending, const Cgroup *cgroup, uint64_t grace, uint64_t now);

/** The child is gone, for @reason unless there is one already: its leftovers go next. */
void ending_child_gone(Ending *ending, const char *reason, uint64_t now);

/** Whether descendants out of the scope still have to end, once none is left in it. */
bool ending_awaits_strays(const Ending *ending, uint64_t now);

/** Enforces the deadlines that have passed. */
void ending_tick(Ending *ending, const Child *child, const Cgroup *cgroup, uint64_t now);
