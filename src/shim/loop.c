/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/loop.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shim/shim-util.h"

enum {
    ON_CONTROL,
    ON_SIGNAL,
    ON_REPORT,
    ON_MASTER,
    ON_OUTPUT,
    ON_PIPE,
    ON_FIFO,
    ON_CGROUP,
    N_SOURCES,
};

/* The agent's program executes, or is about to: earlier, its input has nowhere to go. */
static bool agent_is_there(const Run *run)
{
    return run->stage == STAGE_AGENT && run->child.pid > 0;
}

/* An agent that is being ended and has closed its input reads none: a client that waits with more
 * learns of the end, and not that it was accepted. */
static bool takes_input(const Run *run)
{
    return agent_is_there(run) && !(run->ending.reason && run->input.broken);
}

static short master_events(const Run *run)
{
    short events = run_may_take_output(run) ? POLLIN : 0;
    if (agent_is_there(run) && input_wants_master(&run->input))
        events |= POLLOUT;
    return events;
}

static void watch(struct pollfd *source, int fd, short events)
{
    /* Without events it would still report a hang-up, again and again. */
    *source = (struct pollfd){.fd = events ? fd : -1, .events = events};
}

static void watch_all(const Run *run, int signals, struct pollfd *sources)
{
    bool agent = takes_input(run);
    bool waits_for_cgroup = run->stage == STAGE_AGENT || (run->stage == STAGE_END && !run->vacated);
    watch(&sources[ON_CONTROL], run->control, POLLIN);
    watch(&sources[ON_SIGNAL], signals, POLLIN);
    watch(&sources[ON_REPORT], run->child.report, POLLIN);
    watch(&sources[ON_MASTER], run->pty.master, master_events(run));
    watch(&sources[ON_OUTPUT], run->output.fd, run_may_take_piped(run) ? POLLIN : 0);
    watch(&sources[ON_PIPE], run->input.pipe, agent && input_wants_pipe(&run->input) ? POLLOUT : 0);
    watch(&sources[ON_FIFO], run->input.fifo, agent && input_wants_fifo(&run->input) ? POLLIN : 0);
    watch(&sources[ON_CGROUP], run->cgroup.events, waits_for_cgroup ? POLLPRI : 0);
}

static uint64_t time_left(const Run *run)
{
    uint64_t next = run_next_deadline(run), now = monotonic_usec();
    /* There may never be an event that says that a PTY is empty: it must be polled. */
    if (run_is_between_children(run) && !transcript_held(&run->transcript))
        return 0;
    return next == NEVER ? NEVER : next > now ? next - now : 0;
}

static void wait_for_events(Run *run, struct pollfd *sources)
{
    uint64_t left = time_left(run);
    const struct timespec timeout = {
        .tv_sec = (time_t)(left / USEC_PER_SEC),
        .tv_nsec = (long)(left % USEC_PER_SEC * 1000),
    };
    if (ppoll(sources, N_SOURCES, left == NEVER ? NULL : &timeout, NULL) < 0)
        for (int i = 0; i < N_SOURCES; i++)
            sources[i].revents = 0;
    run->now = monotonic_usec();
}

static void take_signals(Run *run, int signals)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM)
            run_terminated(run);
        else
            run_child_exited(run);
    }
}

/* A stop record comes before the SIGTERM that may follow it: the reason is the record's. */
static void dispatch(Run *run, int signals, const struct pollfd *sources)
{
    if (sources[ON_CONTROL].revents)
        run_take_control(run);
    if (sources[ON_CGROUP].revents)
        run_cgroup_changed(run);
    if (sources[ON_REPORT].revents)
        run_child_reported(run);
    if (sources[ON_SIGNAL].revents)
        take_signals(run, signals);
    if (run_may_take_piped(run) && sources[ON_OUTPUT].revents)
        run_take_piped(run);
    if (run_may_take_output(run) &&
        (sources[ON_MASTER].revents & (POLLIN | POLLHUP | POLLERR) || run_is_between_children(run)))
        run_take_output(run);
    if (takes_input(run) && (sources[ON_PIPE].revents || sources[ON_FIFO].revents ||
                             sources[ON_MASTER].revents & POLLOUT))
        input_service(&run->input, run->pty.master);
    run_input_serviced(run);
    run_tick(run);
}

void loop_run(Run *run, int signals)
{
    struct pollfd sources[N_SOURCES];
    run->now = monotonic_usec();
    run_take_control(run); /* a stop may have come before us: then nothing begins */
    if (!run->ending.reason)
        run_start_next(run);
    while (!run_is_over(run)) {
        watch_all(run, signals, sources);
        wait_for_events(run, sources);
        dispatch(run, signals, sources);
    }
}
