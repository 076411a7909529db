/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/flood.h"
#include "base/folder-watch.h"
#include "transcript/reader.h"
#include "store/record.h"
#include "transcript/log.h"
#include "store/result.h"
#include "store/shim-client.h"
#include "store/cursors.h"
#include "host/systemd.h"

/*
 * Run: one execution of an agent for a story, as the daemon knows it: by its folder and its scope.
 * A run that was just started and one that was found at start-up are followed by the same code.
 */

typedef enum {
    RUN_QUEUED,    /* waits for admission */
    RUN_PREPARING, /* worktree and scope are being made: a failure undoes all of it */
    RUN_SETUP,     /* the gate is open: setup runs, or the program is about to */
    RUN_RUNNING,   /* the program executes */
    RUN_ENDED,
} RunPhase;

typedef struct Run Run;

/** The answer to a question: @value (floating or NULL) or @error. Called exactly once, on the main
 *  loop, perhaps before the asking function returns. */
typedef void (*Reply)(GVariant *value, const GError *error, gpointer data);

/** A change of a live run that is not an event of its log. */
typedef enum {
    NOTE_FROZEN,
    NOTE_THAWED,
    NOTE_DISK_FULL,    /* the agent is held back until there is room */
    NOTE_DISK_ROOM,    /* it goes on */
    NOTE_WAITING,      /* it asks, and waits for an answer: see RunCondition */
    NOTE_ANSWERED,     /* no question is open now */
    NOTE_LIMITED,      /* a usage limit holds it back: see RunCondition */
    NOTE_UNLIMITED,    /* ... and does so no more, while it runs */
    NOTE_BUDGET_LOW,   /* 80 per cent of its project's budget for the day are spent */
    NOTE_BUDGET_SPENT, /* ... and all of it */
    NOTE_OOM_KILL, /* the kernel killed one of its processes for lack of memory; the rest continues
                    */
} RunNote;

/** The status on the bus for @note. */
const char *run_note_to_status(RunNote note);

/** The own keys of a live event with @status, where it has more than that: a{sv}, floating; or
 * NULL. */
GVariant *run_status_details(const Run *run, const char *status);

/** The owner of runs (the pool). All are called on the main loop. */
typedef struct {
    void (*started)(Run *run, gpointer data); /* `started` is there: run->started */
    void (*output)(Run *run, gpointer data);  /* its transcript has grown */
    /* Its log has more to read: @batch comes next for readers at its head. */
    void (*has_events)(Run *run, EventBatch *batch, gpointer data);
    void (*noted)(Run *run, RunNote note, gpointer data);
    void (*changed)(Run *run, gpointer data); /* its condition, in another way */
    void (*ended)(Run *run, gpointer data);   /* its last event can be read */
} RunKeeper;

/** What a run's scope uses. */
typedef struct {
    gboolean known;
    guint64 memory, memory_peak; /* bytes; 0: unknown */
    guint64 cpu_usec;
    guint processes;
} RunFigures;

/** How much of the budget of its project, for a day, is spent. */
typedef enum {
    BUDGET_FINE,
    BUDGET_LOW,
    BUDGET_SPENT,
} BudgetState;

/** The present condition of a run. */
typedef struct {
    gboolean frozen;
    gboolean held;         /* by a full disk */
    guint64 oom_kills;     /* by now */
    guint queue_position;  /* 0: not in the queue */
    guint64 limit_until;   /* a limit holds it in the queue until then; µs since the epoch, or 0 */
    gboolean stalled;      /* its agent waits for a limit to end, and does not tell how long */
    char *unfinished_line; /* the text after its last newline while it is quiet, or NULL */
    GPtrArray *questions;  /* AgentQuestion: those that are open, the oldest first; or NULL */
    gboolean caught_up;    /* all that it has printed has been read: those are all */
    BudgetState budget;
    double budget_spent_usd; /* when that became its state */
    char **unenforced;       /* limits that this machine does not delegate, or NULL */
    char *cgroup;            /* the scope's folder, or NULL */
    RunFigures figures;      /* as they were last kept */
} RunCondition;

/** A run of @record, which it takes. @folder_watch and @systemd must outlive it. Caller unrefs. */
Run *run_new(RunRecord *record, FolderWatch *folder_watch, Systemd *systemd,
             const RunKeeper *keeper, gpointer keeper_data);
Run *run_ref(Run *run);
void run_unref(Run *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Run, run_unref)

/* run.c: what there is of a run; it belongs to the run. */

RunPhase run_get_phase(const Run *run);
gboolean run_is_live(const Run *run);

/** Its record, as in run.json. Replaced by run_take_plan(). */
const RunRecord *run_get_record(const Run *run);

/** Its run id. */
const char *run_get_id(const Run *run);

/** Its folder; -1: none yet, or it is settled. */
int run_get_folder_fd(const Run *run);

/** Where its sinks are; NULL: unknown, or it is settled. */
SinkCursors *run_get_cursors(const Run *run);

/** The same, also of a run that is settled. Small reads. Caller unrefs. */
SinkCursors *run_ref_cursors(const Run *run);

/** Lets go of the files of a run that has ended: who needs them later opens them again. */
void run_settle(Run *run);

/** The log of a live run, else NULL: see run_open_log(). */
RunLog *run_get_log(const Run *run);

/** What its shim said once setup was over, or NULL. */
const RunStarted *run_get_started(const Run *run);

/** How it ended; NULL for a live run. */
const RunResult *run_get_result(const Run *run);

/** Whether it was asked to end. */
gboolean run_is_stopping(const Run *run);

/** Whether it prints so much that readers leave the agent the CPU. */
gboolean run_is_flooding(const Run *run);

/** Whether its input was closed by CloseInput; a service that comes back does not know. */
gboolean run_is_input_closed(const Run *run);
void run_set_input_closed(Run *run);

/** Its shim, as a process of this service; -1: none. */
pid_t run_get_shim_pid(const Run *run);
int run_get_shim_pidfd(const Run *run);

/* run.c: its course. */

/** Its phase may only advance: see RunPhase; or go back from preparing to the queue. */
void run_set_phase(Run *run, RunPhase phase);

/** It waits for admission, now and after a restart: run.json is to say so. */
void run_enqueue(Run *run);

/** The run has a folder, @fd (taken; -1: none), and its sinks' places, @cursors (taken; or NULL).
 */
void run_take_folder(Run *run, int fd, SinkCursors *cursors);

/** A run that was found has the folder @fd (taken), and has ended if there is a @result (taken). */
void run_take_found(Run *run, int fd, RunResult *result);

/** Takes what the folder of another machine's run tells of it: it is neither followed nor decided
 *  here. */
void run_look_from_afar(Run *run);

/** Whether the run is one of this machine; else STORKIT_ERROR_ON_OTHER_HOST names the host. */
gboolean run_check_here(const Run *run, GError **error);

/** Opens its sinks' places, for a run that was found and is taken into the register. */
void run_open_cursors(Run *run);

/** Looks for the shim of a run that was found; whether it lives. */
gboolean run_find_shim(Run *run);

/** Looks for the scope and the shim of a run that was found, without a question to systemd: whether
 *  its shim lives where it says that it does. */
gboolean run_find_scope(Run *run);

/** Replaces the run's record by @plan (taken). */
void run_take_plan(Run *run, RunRecord *plan);

/** The worktree that was planned is gone, and no longer the run's. */
void run_forget_worktree(Run *run);

/** Starts its shim, which waits at its gate. */
gboolean run_spawn_shim(Run *run, char *const *environment, gboolean has_stdin, GError **error);

/** Makes a shim that waits at its gate go, without a trace. */
void run_close_gate(Run *run);

/** It is to end: for one that has no shim to tell yet. */
void run_request_stop(Run *run);

/* run.c: what others see. */

/** Keeps in its folder that List no longer shows it. Blocking. */
gboolean run_save_unlisted(const Run *run, GError **error);

/** The run's log: for an ended run it is opened again where nobody reads it. Caller unrefs. */
RunLog *run_open_log(Run *run, GError **error);

/** "pending", "running", "completed", "failed". */
const char *run_get_status(const Run *run);

/** What the agent has reported about itself so far. Belongs to the run. */
const RunFacts *run_get_facts(const Run *run);

/** The session id known by now, which before its start is that of the run it continues; or NULL.
 *  Belongs to the run. */
const char *run_get_session(const Run *run);

/** The cursor of the last event there is by now. */
guint64 run_get_last_cursor(const Run *run);

/* condition.c: its present condition. */

const RunCondition *run_get_condition(const Run *run);

void run_keep_figures(Run *run, const RunFigures *figures);

/** 0: not in the queue. TRUE where it was another one. */
gboolean run_set_queue_position(Run *run, guint position);

/** Until when a usage limit holds a queued run back; 0: none does. TRUE where it was another time.
 */
gboolean run_set_limit(Run *run, guint64 until);

/** @spent_usd of its project's budget are spent. TRUE where it was another state. */
gboolean run_set_budget(Run *run, BudgetState state, double spent_usd);

/** A queued run is to start whatever limit there is, with @prompt unless that is NULL. */
void run_ignore_limits(Run *run, const char *prompt);

/** Whether it was ended by a usage limit, and is to be resumed after that. */
gboolean run_is_to_be_resumed(const Run *run);

/** Tells the run where its scope's processes are: @folder, which it takes. */
void run_set_cgroup(Run *run, char *folder);

/** Whether the agent's program executes; otherwise STORKIT_ERROR_NOT_RUNNING names its state. */
gboolean run_check_running(const Run *run, GError **error);

/** Freezes or thaws every process of the agent (not the shim). STORKIT_ERROR_NOT_RUNNING also where
 *  one that is being stopped is to be frozen: it has its grace to use. */
gboolean run_set_frozen(Run *run, gboolean frozen, GError **error);

/* follow.c: from the open gate to the end. */

/** Lets the shim continue: from now on the run is real, and followed. */
gboolean run_open_gate(Run *run, GError **error);

/** Decides the result of a run that was found without one, where its shim has told of the end: a
 * full disk did not take the result. Reads its whole transcript. Blocking. */
void run_recover_result(Run *run);

/** Reads the folder of a run that was found, so that every cursor given out before is known: to be
 * called before anybody may ask. */
void run_look_back(Run *run);

/** Follows the run's folder, its shim (gone already where none was found) and its scope from now
 *  on. The scope must be there, or have been. Where the user has no inotify watch left, it looks at
 *  the folder twice a second until there is one. */
void run_follow(Run *run);

/** Ends a run that never got as far as a shim (out of the queue), or was undone after `pending`. */
void run_finish_without_shim(Run *run, RunOutcome outcome, const char *error);

/** Asks the shim for the run's end; makes sure of it after the grace. */
void run_stop(Run *run);

/** The same where nobody answers what it asks: it fails, and stays on the list. */
void run_give_up(Run *run);
gboolean run_is_giving_up(const Run *run);

/** The same where the process is gone that it is leased to. */
void run_end_lease(Run *run);

/** Looks at what it waits for by now (answers, the end of a limit), and tells of what has changed.
 */
void run_check_waiting(Run *run);

/** Kills all that the run has, shim included: for what can no longer be asked. */
void run_kill(Run *run);
