/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/record.h"
#include "shim/shim-util.h"
#include "shim/strays.h"

/* More than a PTY holds: after so many bytes all that a process wrote before its end has come. */
#define DRAIN_MAX (256 * 1024)

/* Until `started` can be written. */
#define REPORT_INTERVAL (500 * USEC_PER_MSEC)

/* An outsider may hold the slave open, then the end of output is silence. */
#define QUIET_TIME (100 * USEC_PER_MSEC)

/* On an error: sets the step and the errno that run_prepare() returns. */
static bool failed(int r, int *ret_error)
{
    *ret_error = -r;
    return r < 0;
}

const char *run_prepare(Run *run, int *ret_error)
{
    if (failed(transcript_open_times(&run->transcript, run->folder), ret_error))
        return "times";
    if (failed(report_reserve(run->folder), ret_error))
        return "report";
    run->control = record_open_fifo(run->folder, "control");
    if (failed(run->control, ret_error))
        return "control";
    if (failed(input_open(&run->input, run->folder), ret_error))
        return "input";
    if (failed(cgroup_open(&run->cgroup), ret_error))
        return "cgroup";
    if (failed(pty_open(&run->pty, run->options.rows, run->options.columns), ret_error))
        return "terminal";
    return NULL;
}

/* The daemon has to learn that the program runs, so a full or failing disk is tried again. */
static void write_started(Run *run)
{
    int r = report_started(run->folder, &run->report);
    if (r < 0 && run->report_at == NEVER)
        complain("writing `started`: %s; retrying", strerror(-r));
    run->report_at = r < 0 ? later(run->now, REPORT_INTERVAL) : NEVER;
}

static void retry_started(Run *run)
{
    if (run->report_at == NEVER)
        return;
    write_started(run);
    if (run->report_at == NEVER) /* the agent's silence was our doing */
        limits_output(&run->limits, &run->options, &run->cgroup, run->now);
}

static void enter_end(Run *run, const char *reason)
{
    retry_started(run);            /* from now on output no longer waits for it */
    if (run->stage == STAGE_SETUP) /* where the agent's output would have begun */
        run->report.offset = transcript_end(&run->transcript);
    ending_child_gone(&run->ending, reason, run->now);
    limits_init(&run->limits);
    run->stage = STAGE_END;
    run->drained = false;
    run->quiet_at = NEVER;
}

/* A failure before the agent's first byte is reported at once. */
static void fail_start(Run *run, const char *reason)
{
    run->report.failed = reason;
    enter_end(run, reason);
    write_started(run);
}

void run_fail(Run *run, const char *step, int error)
{
    complain("the agent cannot be started (%s): %s", step, strerror(error));
    run->report.step = step;
    run->report.error = error;
    fail_start(run, run->stage == STAGE_SETUP && run->next_setup > 0 ? SHIM_REASON_SETUP
                                                                     : SHIM_REASON_EXEC);
}

/* Setup has no controlling terminal and no input: it may leave servers behind, which a hang-up at
 * the end of its session would kill, and nobody is there to answer its questions. */
static void start_setup(Run *run)
{
    const Setup *setup = &run->options.setups[run->next_setup];
    char shell[] = "/bin/sh", option[] = "-c";
    char *const argv[] = {shell, option, (char *)setup->command, NULL};
    const ChildPlan plan = {
        .argv = argv,
        .cwd = setup->directory,
        .input = STDIN_FILENO,
        .output = run->pty.slave,
        .terminal = run->pty.slave,
        .limits = &run->options.limits,
        .umask = run->options.umask,
    };
    run->report.setup = run->next_setup++;
    ChildFailure failure = child_spawn(&run->child, &plan, &run->cgroup);
    if (failure.step)
        run_fail(run, failure.step, failure.error);
}

static int sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path + 1), path);
    autofd fd = open_at(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd;
    return fsync(fd) < 0 ? -errno : 0;
}

/* A tree without this record is not sound, so it must not be lost once the agent works in it. */
static int record_setup(const char *path)
{
    autofd fd = open_at(AT_FDCWD, path, O_WRONLY | O_CREAT);
    if (fd < 0)
        return fd;
    return fsync(fd) < 0 ? -errno : sync_folder_of(path);
}

/* This is the only byte in the transcript that is not the agent's. */
static void begin_fresh_line(Transcript *transcript)
{
    if (transcript_on_fresh_line(transcript))
        return;
    transcript->buffer[0] = '\n';
    transcript_append(transcript, 1);
}

static ChildFailure spawn_confined(Run *run, ChildPlan *plan)
{
    Confinement confinement;
    int r = confine_prepare(&confinement, run->folder);
    if (r < 0)
        return (ChildFailure){"sandbox", -r};
    plan->confinement = &confinement;
    ChildFailure failure = child_spawn(&run->child, plan, &run->cgroup);
    confine_clear(&confinement);
    return failure;
}

static ChildFailure spawn_agent(Run *run)
{
    const Options *options = &run->options;
    autofd input = input_open_stdin(&run->input, run->folder, options->stdin_kind, run->pty.slave);
    if (input < 0)
        return (ChildFailure){"stdin", -input};
    autofd output = options->stdout_pipe ? output_open(&run->output) : -1;
    if (options->stdout_pipe && output < 0)
        return (ChildFailure){"stdout", -output};
    ChildPlan plan = {
        .argv = options->argv,
        .cwd = options->cwd,
        .input = input,
        .output = output < 0 ? run->pty.slave : output,
        .terminal = run->pty.slave,
        .controlling = true,
        .limits = &options->limits,
        .umask = options->umask,
    };
    return options->sandbox ? spawn_confined(run, &plan)
                            : child_spawn(&run->child, &plan, &run->cgroup);
}

static void start_agent(Run *run)
{
    const Options *options = &run->options;
    run->stage = STAGE_AGENT;
    int r = options->setup_record ? record_setup(options->setup_record) : 0;
    if (r < 0) {
        run_fail(run, "setup-record", -r);
        return;
    }
    begin_fresh_line(&run->transcript);
    run->report.offset = transcript_end(&run->transcript);
    closing_begin(&run->closing, options->result_grace > 0 ? options->closing_type : NULL,
                  run->report.offset);
    ChildFailure failure = spawn_agent(run);
    if (failure.step)
        run_fail(run, failure.step, failure.error);
}

void run_start_next(Run *run)
{
    run->report.exited = false;
    if (run->next_setup < run->options.n_setups)
        start_setup(run);
    else
        start_agent(run);
}

void run_child_reported(Run *run)
{
    ChildFailure failure = child_read_report(&run->child);
    if (failure.step) {
        run->report.step = failure.step;
        run->report.error = failure.error;
        return; /* it exits now */
    }
    if (run->stage != STAGE_AGENT)
        return;
    run->report.started = wall_usec();
    limits_start(&run->limits, &run->options, run->child.pid, run->now);
    run->report.agent = run->child.pid;
    write_started(run);
}

/* The child never became its program; its exit status is our own. */
static void start_failed(Run *run)
{
    run->report.exited = false;
    run_fail(run, run->report.step, run->report.error);
}

static void setup_exited(Run *run)
{
    if (run->ending.reason)
        enter_end(run, run->ending.reason);
    else if (run->report.exit_code != 0 || run->report.exit_signal != 0)
        fail_start(run, SHIM_REASON_SETUP);
}

void run_child_exited(Run *run)
{
    Report *report = &run->report;
    while (strays_reap(run->child.pid))
        ;
    if (!child_has_exited(&run->child))
        return;
    if (run->child.report >= 0)
        run_child_reported(run);
    child_reap(&run->child, &report->exit_code, &report->exit_signal);
    report->exited = true;
    run->drained = false;
    run->drain_left = DRAIN_MAX;
    if (report->step)
        start_failed(run);
    else if (run->stage == STAGE_SETUP)
        setup_exited(run);
    else
        enter_end(run, SHIM_REASON_EXITED);
}

/* Once the whole buffer is in the transcript. */
static void note_output(Run *run)
{
    Transcript *transcript = &run->transcript;
    size_t length = transcript->end;
    if (run->vacated)
        run->quiet_at = later(run->now, QUIET_TIME);
    if (run->stage != STAGE_AGENT)
        return;
    limits_output(&run->limits, &run->options, &run->cgroup, run->now);
    if (closing_look(&run->closing, transcript->fd, transcript->buffer, length,
                     transcript->size - length))
        limits_closing(&run->limits, &run->options, &run->cgroup, run->now);
}

static bool awaits_drain(const Run *run)
{
    return run_is_between_children(run) || run->vacated;
}

static void note_drain(Run *run, PtyState state, size_t length)
{
    if (!awaits_drain(run))
        return;
    run->drain_left -= earlier(run->drain_left, length);
    bool hung_up = run->pty.master < 0 && run->output.fd < 0;
    if (hung_up || run->drain_left == 0 || (state == PTY_EMPTY && run->stage == STAGE_SETUP))
        run->drained = true;
}

/* Whether the agent may have more to say than we let it. */
static bool holds_agent(const Run *run)
{
    bool unreported = run->stage == STAGE_AGENT && run->report_at != NEVER;
    return unreported || transcript_held(&run->transcript);
}

static bool may_take(const Run *run)
{
    bool execs = run->stage == STAGE_AGENT && run->child.report >= 0;
    return !execs && !holds_agent(run);
}

bool run_may_take_output(const Run *run)
{
    return run->pty.master >= 0 && may_take(run) &&
           !output_holds_terminal(&run->output, &run->transcript, run->now);
}

bool run_may_take_piped(const Run *run)
{
    return run->output.fd >= 0 && may_take(run);
}

static void take(Run *run, int *fd, bool piped)
{
    Transcript *transcript = &run->transcript;
    size_t before = output_breaks_line(&run->output, transcript, piped), length;
    transcript->buffer[0] = '\n';
    PtyState state =
        pty_read(fd, transcript->buffer + before, sizeof transcript->buffer - before, &length);
    if (length > 0) {
        transcript_append(transcript, before + length);
        output_note(&run->output, piped, run->now);
    }
    note_drain(run, state, length);
    if (length > 0 && !transcript_held(transcript))
        note_output(run);
}

void run_take_output(Run *run)
{
    take(run, &run->pty.master, false);
}

void run_take_piped(Run *run)
{
    take(run, &run->output.fd, true);
}

/* An agent whose input has ended has the result's grace to end itself, if no line begins that. */
void run_input_serviced(Run *run)
{
    if (run->input.ended || run->input.pipe >= 0 || run->options.stdin_kind != STDIN_PIPE ||
        run->stage != STAGE_AGENT)
        return;
    run->input.ended = true;
    if (!run->options.closing_type)
        limits_closing(&run->limits, &run->options, &run->cgroup, run->now);
}

/* There may be space again for the held bytes. */
static void run_retry_output(Run *run)
{
    transcript_retry(&run->transcript);
    if (!transcript_held(&run->transcript))
        note_output(run);
}

static uint64_t grace_of(const Run *run, const struct ShimRecord *head, const uint8_t *payload)
{
    uint64_t grace = run->options.stop_grace;
    if (head->length == sizeof grace)
        memcpy(&grace, payload, sizeof grace);
    return grace;
}

static void take_limit(Run *run, const char *reason, const struct ShimRecord *head,
                       const uint8_t *payload)
{
    run_child_exited(run);
    ending_limit(&run->ending, reason, &run->child, &run->cgroup, grace_of(run, head, payload),
                 run->now);
}

static void take_waiting(Run *run, const struct ShimRecord *head, const uint8_t *payload)
{
    if (head->length == 1 && run->stage == STAGE_AGENT)
        limits_wait(&run->limits, &run->options, &run->cgroup, payload[0] != 0, run->now);
}

/* An agent that can be asked to leave off is asked first. */
static void take_stop(Run *run, const struct ShimRecord *head, const uint8_t *payload)
{
    uint64_t grace = grace_of(run, head, payload);
    run_child_exited(run); /* an end of its own that came before the stop keeps its reason */
    bool asked =
        !run->ending.reason && grace > 0 && run->stage == STAGE_AGENT && input_cancel(&run->input);
    ending_stop(&run->ending, &run->child, &run->cgroup, grace, asked, run->now);
}

static void take_resize(Run *run, const struct ShimRecord *head, const uint8_t *payload)
{
    uint16_t size[2];
    if (head->length != sizeof size)
        return;
    memcpy(size, payload, sizeof size);
    pty_resize(&run->pty, size[0], size[1]);
}

void run_take_control(Run *run)
{
    struct ShimRecord head;
    uint8_t payload[SHIM_RECORD_MAX_PAYLOAD];
    for (int i = 0; i < RECORDS_AT_ONCE && record_read(run->control, &head, payload); i++) {
        if (head.type == SHIM_CONTROL_STOP)
            take_stop(run, &head, payload);
        else if (head.type == SHIM_CONTROL_RESIZE)
            take_resize(run, &head, payload);
        else if (head.type == SHIM_CONTROL_WAITING)
            take_waiting(run, &head, payload);
        else if (head.type == SHIM_CONTROL_UNANSWERED)
            take_limit(run, SHIM_REASON_UNANSWERED, &head, payload);
        else if (head.type == SHIM_CONTROL_LEASE)
            take_limit(run, SHIM_REASON_LEASE, &head, payload);
    }
}

void run_terminated(Run *run)
{
    ending_outside(&run->ending, &run->cgroup, run->options.stop_grace, run->now);
}

/* Its end is looked for in each tick of STAGE_END. */
void run_cgroup_changed(Run *run)
{
    if (run->stage == STAGE_AGENT)
        limits_freezer(&run->limits, &run->options, &run->cgroup, run->now);
}

/* The last process is gone. Without our own slave the PTY hangs up, unless an outsider has one. */
static void note_vacated(Run *run)
{
    if (run->stage != STAGE_END || run->vacated || cgroup_populated(&run->cgroup) ||
        ending_awaits_strays(&run->ending, run->now))
        return;
    run->vacated = true;
    run->drain_left = DRAIN_MAX;
    run->quiet_at = later(run->now, QUIET_TIME);
    fd_clear(&run->pty.slave);
}

/* The end was due by now, and there is still no room for the last output. */
static void give_up_output(Run *run)
{
    Transcript *transcript = &run->transcript;
    size_t length = transcript->end - transcript->start;
    while (length > 0) {
        run->lost += length;
        if (run->pty.master < 0 || run->lost >= DRAIN_MAX)
            break;
        pty_read(&run->pty.master, transcript->buffer, sizeof transcript->buffer, &length);
    }
    transcript->start = transcript->end = 0;
    transcript->retry_at = NEVER;
    run->report.offset = earlier(run->report.offset, transcript->size); /* setup's, lost too */
    run->drained = true;
    complain("no space for the transcript: the last %llu bytes are lost",
             (unsigned long long)run->lost);
}

static void tick_end(Run *run)
{
    bool held = transcript_held(&run->transcript);
    note_vacated(run);
    if (run->vacated && held && run->now >= run->ending.give_up_at)
        give_up_output(run);
    else if (run->vacated && !held && run->now >= run->quiet_at)
        run->drained = true;
}

static void tick_limits(Run *run)
{
    const char *reason =
        limits_check(&run->limits, &run->options, &run->cgroup, holds_agent(run), run->now);
    if (!reason)
        return;
    limits_init(&run->limits);
    ending_limit(&run->ending, reason, &run->child, &run->cgroup, run->options.stop_grace,
                 run->now);
}

/* An end is not held up by output that waits for room: tick_end() looks after that. */
static void tick_between_children(Run *run)
{
    if (run->ending.reason)
        enter_end(run, run->ending.reason);
    else if (run->drained && !transcript_held(&run->transcript))
        run_start_next(run);
}

void run_tick(Run *run)
{
    if (run->now >= run->transcript.retry_at)
        run_retry_output(run);
    if (run->now >= run->report_at)
        retry_started(run);
    tick_limits(run);
    if (run->now >= run->ending.interrupt_at)
        input_close(&run->input);
    ending_tick(&run->ending, &run->child, &run->cgroup, run->now);
    if (run_is_between_children(run))
        tick_between_children(run);
    if (run->stage == STAGE_END)
        tick_end(run);
}

uint64_t run_next_deadline(const Run *run)
{
    bool held = transcript_held(&run->transcript);
    uint64_t next = earlier(run->ending.term_at, run->ending.kill_at);
    next = earlier(next, run->ending.interrupt_at);
    next = earlier(next, run->transcript.retry_at);
    if (output_holds_terminal(&run->output, &run->transcript, run->now))
        next = earlier(next, run->output.holds_until);
    next = earlier(next, run->report_at);
    if (!run->vacated)
        next = earlier(next, run->ending.strays_until);
    next = earlier(next, limits_next(&run->limits, holds_agent(run)));
    if (run->vacated)
        next = earlier(next, held ? run->ending.give_up_at : run->quiet_at);
    return next;
}

bool run_is_between_children(const Run *run)
{
    return run->stage == STAGE_SETUP && run->child.pid == 0;
}

bool run_is_over(const Run *run)
{
    return run->stage == STAGE_END && run->drained && !transcript_held(&run->transcript);
}

bool run_report_end(Run *run)
{
    const ReportEnd end = {
        .reason = run->ending.reason,
        .bytes = run->transcript.size,
        .lost = run->lost,
        .left_behind = run->ending.left_behind,
    };
    retry_started(run); /* for the last time */
    return report_end(run->folder, &run->report, &end, &run->cgroup);
}
