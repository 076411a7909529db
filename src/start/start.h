/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "pool/pool.h"

/*
 * Start: one execution of the contract's Start, a step a function, from its target to its reply.
 * Before the gate opens a failure undoes everything; from the gate on the run is real.
 */

typedef struct Start Start;

/** Begins a Start for @target (taken; with its config), whose key is free, and @options (taken).
 *  The pool has the Start until it has finished. */
void start_begin(Pool *pool, Target *target, StartOptions *options, Reply reply, gpointer data);

/** Goes on with a queued run that was found at start-up; nobody waits for its reply. */
void start_requeue(Pool *pool, Run *run);

/** Looks after an adopted run whose setup still runs: its worktree goes if that fails. */
void start_resume_setup(Pool *pool, Run *run);

/** Undoes what a Start of an earlier daemon left before its gate: @run was read from its
 *  folder. */
void start_undo_found(Pool *pool, Run *run);

/** Admits a queued Start. */
void start_admit(Start *start);

/** Goes on with a Start that waits for another run's setup. */
void start_retry(Start *start);

/** The run was asked to stop while it is still being made. */
void start_stop(Start *start);

/** The service goes down: what is not behind its gate is undone, a queued one waits for the next
 *  service. */
void start_abandon(Start *start);

/** Whether a service that goes down may leave it: it is behind its gate, or in the queue. */
gboolean start_may_be_left(const Start *start);

/** Answers its caller, if that still waits, at the service's end: `pending` for a run that goes on,
 *  STORKIT_ERROR_SHUTTING_DOWN for one that the next service takes back. */
void start_answer_at_end(Start *start);

/** Its `started` is there. */
void start_on_started(Start *start);

/** Its run has ended before the program executed: undoes what the Start made. */
void start_on_ended(Start *start);

/** The run that it makes: the Start's own. */
Run *start_get_run(const Start *start);

/** Whether this Start prepares its story's worktree now: others on the same story wait. */
gboolean start_is_at_worktree(const Start *start);

/** Whether this Start failed before its gate and takes care of what is left itself. */
gboolean start_is_undoing(const Start *start);

/** Whether a queued Start may be admitted: what it was asked for is on the disk. */
gboolean start_is_admissible(const Start *start);

void start_free(Start *start);
