/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/idle-turn.h"
#include "base/process-watch.h"
#include "run/run.h"

/*
 * Shared by the sources of a run: run.c (its identity and phase), condition.c (its present
 * condition) and follow.c (its transcript, shim and scope, up to its end). It is opaque to all
 * others.
 */

struct Run {
    grefcount references;
    RunPhase phase;
    RunRecord *record;
    int folder_fd; /* -1: none yet */
    RunLog *log;   /* NULL for an ended run that nobody reads */
    SinkCursors *cursors;
    RunCondition condition;
    gboolean stop_requested;
    gboolean giving_up;
    gboolean input_closed;

    /* Of a live run. */
    Shim shim;
    RunStarted started;
    gboolean has_started;
    RunFacts facts;
    Flood flood; /* of output */
    const RunKeeper *keeper;
    gpointer keeper_data;
    FolderWatch *folder_watch;
    Systemd *systemd;
    int watch_id, cgroup_watch_id;
    /* Kept open: the kernel tells only of a file that is in its cache. */
    int memory_events_fd, cgroup_events_fd;
    int stop_fd; /* see shim_send_stop(); -1: not sent */
    LogReader *head;
    ProcessWatch *shim_watch;
    IdleTurn *turn; /* the head's next one, or NULL */
    guint flood_source, guard_source, poll_source, quiet_source, retry_source;
    guint64 quiet_bytes; /* of the transcript, when quiet_source began to wait */
    UnitWatch *unit_watch;
    gboolean shim_gone, unit_gone;
    gboolean over; /* nothing of it runs: it ends once its head has read everything */
    gboolean has_exit;
    RunExit exit; /* once it is over: the shim's record, where it has left one */

    RunResult *result; /* of an ended run */
};

/** run.c: lets go of everything that only a live run has. */
void run_release_live(Run *run);

/* condition.c */

/** Watches the run's cgroup from now on, if it is known. */
void run_follow_cgroup(Run *run);

/** Thaws the scope itself, where somebody froze it by `systemctl --user freeze`. */
void run_thaw_scope(Run *run);

/** Notes that a full disk holds the agent back, or does so no more. */
void run_check_held(Run *run);

/** The head has read all whole lines of the @bytes there are: shows the text after the last one
 * once the agent is quiet. */
void run_watch_for_quiet(Run *run, guint64 bytes);
