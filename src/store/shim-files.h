/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <sys/types.h>

/*
 * The shim's files in its run's folder (shim-protocol.h), as the daemon reads them.
 */

/** The content of `started`. */
typedef struct {
    pid_t shim_pid, agent_pid;
    guint64 offset; /* where the agent's output begins */
    guint64 time;
    const char *failed; /* NULL, SHIM_REASON_EXEC or SHIM_REASON_SETUP */
    const char *step;   /* exec: NULL for the program itself, else what could not be made ready */
    int failed_errno;   /* exec */
    guint setup;        /* setup: which command, from 0 */
    int exit_code;      /* setup: -1 where a signal ended it */
    int exit_signal;
} RunStarted;

/** FALSE if there is none yet, or one that is not valid (logged). Sets @error where it cannot be
 * read now (no descriptor is left): that says nothing of the run. NULL: logged. */
gboolean run_started_read(int folder_fd, RunStarted *ret_started, GError **error);

/** The content of exit.json. */
typedef struct {
    const char *reason;    /* one of SHIM_REASON_* */
    RunStarted started;    /* its failure, where it has one */
    int exit_code;         /* -1: none */
    int exit_signal;       /* 0: none */
    guint64 agent_started; /* 0: never */
    guint64 ended, offset, bytes;
    guint64 lost; /* bytes of output after them, for which a full disk had no space */
    guint64 left_behind, oom_kills, memory_peak, cpu_usec;
} RunExit;

/** The same for the shim's exit record. */
gboolean run_exit_read(int folder_fd, RunExit *ret_exit, GError **error);

/** The member `exit_code` of a record; -1: none. */
int run_exit_code_get(JsonObject *object);
