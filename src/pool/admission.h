/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "pool/budget.h"
#include "pool/settings.h"
#include "start/start.h"

/*
 * Admission: all Starts, and which of them may continue: MaxAgents, the queue for it, the pressure
 * gate, and one setup a story at a time.
 */

typedef struct Admission Admission;

/** @tools, @settings, @budget (NULL: none) and @keeper_data must outlive it; @keeper looks after
 * the runs it makes. */
Admission *admission_new(const StartTools *tools, const Settings *settings, Budget *budget,
                         const RunKeeper *keeper, gpointer keeper_data);
void admission_free(Admission *admission);

/** Makes a run for @target (taken; with its config), whose key is free, and @options (taken), and
 *  begins its Start: at once, or in the queue. @parent: the run that starts it, or NULL. */
void admission_begin(Admission *admission, Target *target, StartOptions *options, const Run *parent,
                     Reply reply, gpointer data);

/** For runs that were found at start-up and are in the register: see start/start.h. */
void admission_queue_found(Admission *admission, Run *run);
void admission_take_back_found(Admission *admission, Run *run);
void admission_follow_setup(Admission *admission, Run *run);

/** Queues a run that goes on with @ended, which a usage limit has ended, when that is over. The
 *  register has it. */
Run *admission_continue(Admission *admission, const Run *ended);

/** Whether a usage limit holds @run in the queue. */
gboolean admission_is_held(const Admission *admission, const Run *run);

/** Lets @run, which a limit holds, start now as far as limits go, with the prompt @prompt unless
 *  that is NULL. */
void admission_hurry(Admission *admission, Run *run, const char *prompt, Reply reply,
                     gpointer data);

/** The Start that is making @run, or NULL. Belongs to the admission. */
Start *admission_start_of(const Admission *admission, const Run *run);

/** A live run other than @run in its story's worktree, or NULL. Belongs to the register. */
Run *admission_find_sharer(const Admission *admission, const Run *run);

/** Stops the run of @start. */
void admission_stop(Admission *admission, Start *start);

/** Something changed: Starts that waited for it may continue. */
void admission_advance(Admission *admission);

/** How many wait for a place; those that a limit holds do not count. */
guint admission_count_queued(const Admission *admission);

/** Whether there is no Start but those that a limit holds, which a timer wakes the service for. */
gboolean admission_is_idle(const Admission *admission);

/** Admits no Start from now on, and undoes those that are not past their gate. */
void admission_shut_down(Admission *admission);

/** Whether no Start is half done: the service may end. */
gboolean admission_is_quiet(const Admission *admission);

/** Answers everybody whose Start has not replied: see start_answer_at_end(). */
void admission_answer_at_end(Admission *admission);
