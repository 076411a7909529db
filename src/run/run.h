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

/** Something about a live run that is no event of its log. */
typedef enum {
    NOTE_FROZEN,
    NOTE_THAWED,
    NOTE_DISK_FULL, /* the agent is held back until there is room */
    NOTE_DISK_ROOM, /* it goes on */
    NOTE_OOM_KILL,  /* the kernel killed a process of it for memory; the rest goes on */
} RunNote;

/** The status on the bus that tells of @note. */
const char *run_note_to_status(RunNote note);

/** Who looks after runs (the pool). All are called on the main loop. */
typedef struct {
    void (*started)(Run *run, gpointer data); /* `started` is there: run->started */
    void (*output)(Run *run, gpointer data);  /* its transcript has grown */
    /* Its log has more to read: @batch comes next for who is at its head. */
    void (*has_events)(Run *run, EventBatch *batch, gpointer data);
    void (*noted)(Run *run, RunNote note, gpointer data);
    void (*ended)(Run *run, gpointer data); /* its last event can be read */
} RunKeeper;

struct Run {
    grefcount references;
    RunPhase phase;
    RunRecord *record;
    int folder_fd; /* -1: none yet */
    RunLog *log;   /* NULL for an ended run that nobody reads: see run_open_log() */
    SinkCursors *cursors;
    gboolean stop_requested;
    gboolean frozen;
    gboolean input_closed; /* by CloseInput; a service that is started anew does not know */
    guint queue_position;  /* 0: not in the queue */
    char **unenforced;     /* limits that this machine does not delegate, or NULL */

    /* Of a live run. */
    Shim shim;
    char *cgroup; /* the scope's folder, or NULL */
    RunStarted started;
    gboolean has_started;
    RunFacts facts;
    gboolean held;     /* by a full disk */
    Flood flood;       /* of output: readers leave the agent the CPU */
    guint64 oom_kills; /* by now */

    RunResult *result; /* of an ended run */

    /* Private to run.c. */
    const RunKeeper *keeper;
    gpointer keeper_data;
    FolderWatch *folder_watch;
    Systemd *systemd;
    int watch_id, cgroup_watch_id;
    int memory_events_fd; /* kept open: the kernel tells only of a file that is in its cache */
    int stop_fd;          /* see shim_send_stop(); -1: not sent */
    LogReader *head;
    guint pump_source, shim_source, guard_source, poll_source;
    UnitWatch *unit_watch;
    gboolean shim_gone, unit_gone;
};

/** A run of @record, which it takes. @folder_watch and @systemd must outlive it. Caller unrefs. */
Run *run_new(RunRecord *record, FolderWatch *folder_watch, Systemd *systemd,
             const RunKeeper *keeper, gpointer keeper_data);
Run *run_ref(Run *run);
void run_unref(Run *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Run, run_unref)

static inline gboolean run_is_live(const Run *run)
{
    return run->phase != RUN_ENDED;
}

/** Its phase may only go on: see RunPhase; or from preparing back to the queue. */
void run_set_phase(Run *run, RunPhase phase);

/** It waits for admission, now and after a restart: run.json is to say so. */
void run_enqueue(Run *run);

/** 0: not in the queue. TRUE where it was another one. */
gboolean run_set_queue_position(Run *run, guint position);

/** The run has a folder, @fd (taken; -1: none), and its sinks' places, @cursors (taken; or NULL).
 */
void run_take_folder(Run *run, int fd, SinkCursors *cursors);

/** The run is what @plan (taken) says. */
void run_take_plan(Run *run, RunRecord *plan);

/** The worktree that was planned is gone, and nothing of the run's any more. */
void run_forget_worktree(Run *run);

/** Starts its shim, which waits at its gate. */
gboolean run_spawn_shim(Run *run, char *const *environment, gboolean has_stdin, GError **error);

/** Lets the shim go on: from now on the run is real, and followed. */
gboolean run_open_gate(Run *run, GError **error);

/** Makes a shim that waits at its gate go, without a trace. */
void run_close_gate(Run *run);

/** It is to end: for one that has no shim to tell yet. */
void run_request_stop(Run *run);

/** Tells the run where its scope's processes are: @folder, which it takes. */
void run_set_cgroup(Run *run, char *folder);

/** Looks once at what the folder says by now; whether there is more output to read. */
gboolean run_refresh(Run *run);

/** Follows the run's folder, its shim (run->shim.pidfd; -1: gone already) and its scope from now
 *  on. The scope must be there, or have been. Where the user has no inotify watch left, it looks at
 *  the folder twice a second until there is one. */
void run_follow(Run *run);

/** Ends a run that never got as far as a shim (out of the queue), or was undone after `pending`. */
void run_finish_without_shim(Run *run, RunOutcome outcome, const char *error);

/** Asks the shim for the run's end; makes sure of it after the grace. */
void run_stop(Run *run);

/** Kills all that the run has, shim included: for what can't be asked any more. */
void run_kill(Run *run);

/** Whether the agent's program executes; else STORKIT_ERROR_NOT_RUNNING says what it does. */
gboolean run_check_running(const Run *run, GError **error);

/** Freezes or thaws every process of the agent (not the shim). STORKIT_ERROR_NOT_RUNNING also where
 *  one that is being stopped is to be frozen: it has its grace to use. */
gboolean run_set_frozen(Run *run, gboolean frozen, GError **error);

/** The run's log: for an ended run it is opened again where nobody reads it. Caller unrefs. */
RunLog *run_open_log(Run *run, GError **error);

/** "pending", "running", "completed", "failed". */
const char *run_get_status(const Run *run);

/** What the agent has said of itself by now. Belongs to the run. */
const RunFacts *run_get_facts(const Run *run);

/** The session id known by now, or NULL. Belongs to the run. */
const char *run_get_session(const Run *run);

/** The cursor of the last event there is by now. */
guint64 run_get_last_cursor(const Run *run);
