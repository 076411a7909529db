/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/process-watch.h"
#include "start/owner.h"
#include "start/start-prepare.h"

/*
 * The steps of a Start, for start.c, which has them in a table: steps.c does them, undo.c undoes
 * them. A step that begins is ended by one call of step_done(), an undoing by one of undo_done(),
 * at once or later.
 */

typedef enum {
    STEP_FOLDER,
    STEP_QUEUE,
    STEP_TARGET,
    STEP_ENVIRONMENT,
    STEP_TURN,
    STEP_PLAN,
    STEP_SHIM,
    STEP_SCOPE_ASKED,
    STEP_WORKTREE,
    STEP_CLAIM,
    STEP_SCOPE,
    STEP_GATE,
    STEP_STARTED,
} StepId;

typedef struct Answer Answer;

/** Private to start/. */
struct Start {
    const StartTools *tools;
    const StartOwner *owner;
    gpointer owner_data;
    Run *run;
    Target *target; /* NULL for a run that was found in the queue, until its turn */
    Reply reply;    /* NULL once given */
    gpointer data;
    guint pending_timer;
    Answer *answer;     /* `pending`, while it is on its way to the disk */
    gboolean answered;  /* with `pending`, or by an earlier daemon: the run stays if it fails */
    gboolean abandoned; /* the service goes down */

    StepId at;
    GError *error; /* why it is being undone; NULL: it is not */

    Preparation preparation; /* a worker thread's while one is at it */

    gboolean scope_awaited; /* systemd has not yet said what became of it */
    GError *scope_error;    /* what it said, until STEP_SCOPE takes that */

    /* Of the way back. */
    UnitWatch *unit_watch;
    ProcessWatch *shim_watch;
    gboolean with_worktree; /* what was created for this run, and nobody else uses */
    gboolean worktree_gone;
};

/** The step is done, or has failed with @error (taken). */
void step_done(Start *start, GError *error);

void make_folder(Start *start);
void wait_for_place(Start *start);
void resolve_again(Start *start);
void ask_environment(Start *start);
void wait_for_story(Start *start);
void make_plan(Start *start);
void spawn_shim(Start *start);
void ask_for_scope(Start *start);
void make_worktree(Start *start);
void take_claim(Start *start);
void wait_for_scope(Start *start);
void open_gate(Start *start);

/** The step is undone. */
void undo_done(Start *start);

void remove_folder(Start *start);
void undo_worktree(Start *start);
void release_claim(Start *start);
void end_processes(Start *start);

/** systemd has said what became of the scope that end_processes() waits for. */
void end_scope(Start *start);

/** From now on the run stays, whatever becomes of it: answers with `pending`. */
void reply_pending(Start *start);

/** Answers with `pending` in 10 s, unless the Start is over by then. */
void reply_pending_later(Start *start);
