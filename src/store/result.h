/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "store/facts.h"
#include "store/record.h"
#include "store/shim-files.h"

/*
 * How a run ended: decided once, from the shim's exit record and the transcript, then stored in the
 * run's folder, so that every reader of the run gets the same last event.
 */

typedef enum {
    OUTCOME_COMPLETED,
    OUTCOME_FAILED,
    OUTCOME_STOPPED,
} RunOutcome;

typedef struct {
    gatomicrefcount references;
    RunOutcome outcome;
    gboolean limited;              /* FAILED: by a usage limit, which ends at facts.retry_at */
    char *error;                   /* FAILED, STOPPED: the message for people */
    int exit_code;                 /* -1: none */
    int exit_signal;               /* 0: none */
    guint64 ended;                 /* µs since the epoch */
    guint64 bytes;                 /* of the transcript: nothing counts after them */
    guint64 lost;                  /* bytes of output after them: RunExit */
    guint64 memory_peak, cpu_usec; /* 0: unknown */
    RunFacts facts;
} RunResult;

/** The result of a run, by the contract's rule for `completed`. @exit NULL: its shim left no
 *  record (it was killed, or the power was cut): the transcript's size then is where it ends, and
 *  it is STOPPED where @stop_requested, by a Stop that the shim could not see through. Where a CLI
 *  refused to resume a session, the id that was asked for stays the run's. Caller unrefs. */
RunResult *run_result_decide(const RunRecord *record, const RunExit *exit, gboolean stop_requested,
                             const RunFacts *facts, int transcript_fd);

/** A result without an exit record: STOPPED (a queued run was removed) or FAILED. */
RunResult *run_result_new(RunOutcome outcome, const char *error);

RunResult *run_result_ref(RunResult *result);
void run_result_unref(RunResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunResult, run_result_unref)

/** "completed" or "failed": the contract's status of an ended run. */
const char *run_result_status(const RunResult *result);

/** The own keys of the terminal event as a{sv} (floating): of `done`, `error`, or `status`. */
GVariant *run_result_event_data(const RunResult *result);

/** Keeps the result in the folder as summary.json. @listed: whether List still shows the run. */
gboolean run_result_save(const RunResult *result, gboolean listed, int folder_fd, GError **error);

/** Reads it back; NULL without an error where the run has none yet. */
RunResult *run_result_load(int folder_fd, gboolean *ret_listed, GError **error);
