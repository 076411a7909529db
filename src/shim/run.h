/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shim/cgroup.h"
#include "shim/child.h"
#include "shim/closing.h"
#include "shim/ending.h"
#include "shim/input.h"
#include "shim/deadlines.h"
#include "shim/options.h"
#include "shim/output.h"
#include "shim/pty.h"
#include "shim/report.h"
#include "shim/transcript.h"

/*
 * A run: its parts, and what happens to them. It goes through its stages in order, and leaves each
 * when its child is gone and that child's output has been read:
 *
 *     the setup commands, one child each  →  the agent  →  the end
 *
 * A failure or a stop goes to the end at once. loop.c says when each function is called.
 */

typedef enum Stage { STAGE_SETUP, STAGE_AGENT, STAGE_END } Stage;

typedef struct Run {
    Options options;
    int folder;
    int control; /* FIFO */
    Cgroup cgroup;
    Pty pty;
    Output output;
    Transcript transcript;
    Input input;
    Closing closing;
    Limits limits;
    Child child;
    Ending ending;
    Report report;
    uint64_t report_at; /* `started` is still owed: when to try again; NEVER otherwise */
    uint64_t now;       /* monotonic, of this turn of the loop */

    Stage stage;
    unsigned next_setup;
    bool vacated;        /* STAGE_END: no process is left */
    bool drained;        /* nothing is left in PTY and pipe */
    uint64_t drain_left; /* … and it can't be more than this */
    uint64_t quiet_at;   /* vacated: when both will have been quiet for long enough */
    uint64_t lost;       /* output that a full disk did not take */
} Run;

/** Creates a run's files, cgroup and terminal. Returns NULL, or the step that failed, for its
 * report; errno is in @ret_error. */
const char *run_prepare(Run *run, int *ret_error);

/** The run ends before its program could execute: @step failed. */
void run_fail(Run *run, const char *step, int error);

/** Starts the next child. */
void run_start_next(Run *run);

/** The child's program executes, or failed to. */
void run_child_reported(Run *run);

/** The child may have exited. */
void run_child_exited(Run *run);

/** Whether output may be read now. Before the agent's first byte `started` is on the disk, and what
 *  does not fit on the disk stays in the PTY. */
bool run_may_take_output(const Run *run);

/** The same of the agent's stdout where that is a pipe. */
bool run_may_take_piped(const Run *run);

/** Reads the PTY's output, or that of the pipe, and appends it. */
void run_take_output(Run *run);
void run_take_piped(Run *run);

/** The agent's input was serviced: it may have come to its end. */
void run_input_serviced(Run *run);

/** Takes the records on `control`. */
void run_take_control(Run *run);

/** The agent's cgroup.events has changed. */
void run_cgroup_changed(Run *run);

/** A SIGTERM came. */
void run_terminated(Run *run);

/** Enforces the deadlines that have passed. */
void run_tick(Run *run);

/** When run_tick() is to be called at the latest. */
uint64_t run_next_deadline(const Run *run);

/** Whether a setup command is gone, and its last output is still to be read. */
bool run_is_between_children(const Run *run);

/** Whether nothing is left to do but the report. */
bool run_is_over(const Run *run);

/** Writes the report of the end. False where that failed. */
bool run_report_end(Run *run);
