/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "project/target.h"
#include "start/owner.h"

/*
 * Start: one execution of the contract's Start, from its target to its reply, as the table at the
 * top of start.c has it. Before the gate opens a failure undoes everything; from the gate on the
 * run is real.
 */

/** A Start of @run, in the register already. @tools and @owner must outlive it. The owner frees it;
 *  it keeps it until finished(). Begins with one of the following four, any of which may lead to
 *  finished() before it returns. */
Start *start_new(const StartTools *tools, Run *run, const StartOwner *owner, gpointer data);
void start_free(Start *start);

/** Begins a new run for @target (taken; with its config; NULL: looked up on its turn). If it is
 * RUN_QUEUED, the caller gets `pending` and start_admit() continues. */
void start_begin(Start *start, Target *target, Reply reply, gpointer data);

/** Goes on with a queued run that has its folder; nobody waits for its reply. */
void start_begin_in_queue(Start *start);

/** Takes over a run that was found past its gate with its setup still running: its worktree is
 * removed if that fails. */
void start_begin_behind_gate(Start *start);

/** Undoes an earlier daemon's Start that did not reach its gate: the run was read from its
 * folder. */
void start_take_back(Start *start);

/** Admits a queued Start that is admissible. */
void start_admit(Start *start);

/** Answers @reply, too, as if the Start, which waits in the queue, had just been called for. */
void start_add_caller(Start *start, Reply reply, gpointer data);

/** Answers its caller, if it has one, with `pending`. */
void start_answer_pending(Start *start);

/** Asks its owner again whether it may prepare, if it waits for that. */
void start_retry(Start *start);

/** The run was asked to stop while it is still being made. */
void start_stop(Start *start);

/** The service is shutting down: a Start before its gate is undone, a queued one waits for the next
 * service. */
void start_abandon(Start *start);

/** Whether a service that shuts down may leave it: it is past its gate, or in the queue. */
gboolean start_may_be_left(const Start *start);

/** Answers its caller, if that still waits, at the service's end: `pending` for a run that
 * continues, STORKIT_ERROR_SHUTTING_DOWN for one that the next service undoes. */
void start_answer_at_end(Start *start);

/** The `started` of its run is there. */
void start_on_started(Start *start);

/** Its run ended before the program executed: undoes the Start. */
void start_on_ended(Start *start);

/** The run that it makes: the Start's own. */
Run *start_get_run(const Start *start);

/** Whether this Start prepares its story's worktree, or has: others on the same story wait. */
gboolean start_is_at_worktree(const Start *start);

/** Whether this Start has failed, or was stopped, and undoes what it has made. */
gboolean start_is_going_back(const Start *start);

/** Whether a queued Start may be admitted: its request is on the disk. */
gboolean start_is_admissible(const Start *start);
