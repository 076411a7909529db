/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/ending.h"

#include <signal.h>

#include "shim/shim-util.h"
#include "shim/strays.h"
#include "store/shim-protocol.h"

/* For the processes that the agent leaves behind: time to end on their own, then after SIGTERM. */
#define LEFTOVER_GRACE (300 * USEC_PER_MSEC)
#define LEFTOVER_TERM_GRACE (700 * USEC_PER_MSEC)

/* For what an agent does when it is asked to leave off; at most a quarter of the grace. */
#define ASKED_TIME (1 * USEC_PER_SEC)

/* From the kill on: another user's process (sudo) out of the scope can't be killed by us. */
#define STRAYS_TIME (2 * USEC_PER_SEC)

void ending_init(Ending *ending)
{
    *ending = (Ending){.interrupt_at = NEVER,
                       .term_at = NEVER,
                       .kill_at = NEVER,
                       .give_up_at = NEVER,
                       .strays_until = NEVER};
}

static void shorten(Ending *ending, uint64_t term_in, uint64_t kill_in, uint64_t now)
{
    ending->term_at = earlier(ending->term_at, later(now, term_in));
    ending->kill_at = earlier(ending->kill_at, later(now, kill_in));
}

/* An end that was asked for: nothing may delay it beyond its grace. */
static void request(Ending *ending, uint64_t term_in, uint64_t kill_in, uint64_t now)
{
    shorten(ending, term_in, kill_in, now);
    ending->give_up_at = earlier(ending->give_up_at, later(now, kill_in));
}

static void interrupt(const Child *child, const Cgroup *cgroup)
{
    cgroup_thaw(cgroup);
    if (child->pid > 0)
        child_interrupt(child);
}

void ending_limit(Ending *ending, const char *reason, const Child *child, const Cgroup *cgroup,
                  uint64_t grace, uint64_t now)
{
    if (ending->reason)
        return;
    ending->reason = reason;
    if (grace > 0)
        interrupt(child, cgroup);
    request(ending, grace / 2, grace, now);
}

void ending_stop(Ending *ending, const Child *child, const Cgroup *cgroup, uint64_t grace,
                 bool asked, uint64_t now)
{
    if (!ending->reason && !asked) {
        ending_limit(ending, SHIM_REASON_STOPPED, child, cgroup, grace, now);
        return;
    }
    if (asked) {
        cgroup_thaw(cgroup);
        ending->interrupt_at = later(now, earlier(grace / 4, ASKED_TIME));
    } else if (ending->interrupt_at != NEVER) {
        ending->interrupt_at = now;
    }
    if (child->pid > 0)
        ending->reason = SHIM_REASON_STOPPED;
    request(ending, grace / 2, grace, now);
}

void ending_outside(Ending *ending, const Cgroup *cgroup, uint64_t grace, uint64_t now)
{
    if (!ending->reason)
        ending->reason = SHIM_REASON_OUTSIDE;
    request(ending, 0, grace, now);
}

void ending_child_gone(Ending *ending, const char *reason, uint64_t now)
{
    if (!ending->reason)
        ending->reason = reason;
    shorten(ending, LEFTOVER_GRACE, LEFTOVER_GRACE + LEFTOVER_TERM_GRACE, now);
}

static void count_left_behind(Ending *ending, const Child *child, unsigned n_signalled)
{
    if (child->pid == 0 && n_signalled > ending->left_behind)
        ending->left_behind = n_signalled;
}

static void terminate(Ending *ending, const Child *child, const Cgroup *cgroup)
{
    cgroup_thaw(cgroup);
    count_left_behind(ending, child, cgroup_signal(cgroup, SIGTERM) + strays_signal(SIGTERM));
    cgroup_signal(cgroup, SIGCONT);
}

bool ending_awaits_strays(const Ending *ending, uint64_t now)
{
    if (now >= ending->strays_until || !strays_exist())
        return false;
    /* Each one that is killed hands its own children on to us. */
    if (ending->kill_at == NEVER)
        strays_signal(SIGKILL);
    return true;
}

void ending_tick(Ending *ending, const Child *child, const Cgroup *cgroup, uint64_t now)
{
    if (now >= ending->kill_at) {
        count_left_behind(ending, child, cgroup_signal(cgroup, 0) + strays_signal(0));
        cgroup_kill(cgroup);
        strays_signal(SIGKILL);
        ending->interrupt_at = ending->term_at = ending->kill_at = NEVER;
        ending->strays_until = later(now, STRAYS_TIME);
    } else if (now >= ending->term_at) {
        terminate(ending, child, cgroup);
        ending->interrupt_at = ending->term_at = NEVER;
    } else if (now >= ending->interrupt_at) {
        interrupt(child, cgroup);
        ending->interrupt_at = NEVER;
    }
}
