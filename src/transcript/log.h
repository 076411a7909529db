/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"
#include "transcript/event.h"
#include "store/result.h"

/*
 * RunLog: the log of one run, as far as it may be read. The transcript is the log; a few facts
 * beside it place the events that are not in it (pending, running, the last one).
 *
 * Shared between the main loop, which alone writes it, and readers in other threads. It only ever
 * grows: whatever a reader has seen stays true.
 */
typedef struct RunLog RunLog;

/** A consistent look at how far a log has come. */
typedef struct {
    int transcript_fd, times_fd; /* -1: not there yet */
    guint64 readable;            /* bytes of the transcript that may be read */
    gboolean started;            /* the agent's program executes... */
    guint64 agent_offset;        /* ... and its output begins here */
    guint64 started_time;
    guint64 history_end;     /* before it the agent shows a resumed session again; 0: it does not */
    gboolean held;           /* the disk is full: the shim waits, and holds the agent back */
    gboolean complete;       /* nothing will be appended: a last line needs no newline */
    const RunResult *result; /* how it ended, or NULL; the log's own */
} RunLogState;

RunLog *run_log_new(const RunRecord *record);
RunLog *run_log_ref(RunLog *log);
void run_log_unref(RunLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunLog, run_log_unref)

/** The run's identity, copied from the record when the log was created, and never changed. */
const RunIdentity *run_log_identity(const RunLog *log);

/** Whose JSON the agent speaks. It changes where the roster did while the run waited in the queue.
 */
const AgentKind *run_log_kind(RunLog *log);
void run_log_set_kind(RunLog *log, const AgentKind *kind);

/** When the run was asked for, in µs since the epoch: the time of `pending`. */
guint64 run_log_created(const RunLog *log);

/** How far the log has come, now. From any thread. */
void run_log_get_state(RunLog *log, RunLogState *ret_state);

/** Checks for new output of the shim: opens the transcript once it exists, reads `started` when it
 * appears. TRUE if there is more than before. Sets @error where something that is there cannot be
 * read now (no descriptor is left): the next call looks at it again. NULL: logged. */
gboolean run_log_refresh(RunLog *log, int folder_fd, GError **error);

/** No byte will follow the first @bytes of the transcript: readers take its last line. */
void run_log_complete(RunLog *log, guint64 bytes);

/** How the run ended: readers give its last event once they have read all before. The log must be
 *  complete. Keeps a reference to @result. */
void run_log_end(RunLog *log, RunResult *result);

/** Tells what `started` would have said, where the shim could not write it. */
void run_log_set_started(RunLog *log, const RunStarted *started);

/** What `started` said; FALSE before it is there. */
gboolean run_log_get_started(RunLog *log, RunStarted *ret_started);
