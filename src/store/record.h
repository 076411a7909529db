/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"
#include "base/run-limits.h"
#include "git/worktree.h"

/*
 * A run on disk: $XDG_STATE_HOME/storkit/runs/RUN-ID/. What the daemon writes there (run.json) and
 * what it reads of what the shim writes (shim-protocol.h). Blocking, but small.
 */

/** The options of StartWithOptions. */
typedef struct {
    char *prompt;      /* template, or NULL */
    char *resume;      /* session id, or NULL */
    char *base_branch; /* or NULL */
    char **env;        /* NAME=VALUE, or NULL */
    Limits limits;
} StartOptions;

StartOptions *start_options_new(void);
/** Caller frees. */
StartOptions *start_options_copy(const StartOptions *options);
void start_options_free(StartOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StartOptions, start_options_free)

/** run.json: what a run is, and what its Start plans to make. */
typedef struct {
    char *run_id, *unit;
    char *project_root, *story, *agent;
    AgentKind kind;
    guint64 created; /* µs since the epoch */
    gboolean queued; /* waits for admission: nothing but the folder is made yet */
    StartOptions *options;
    /* The plan: unset while queued. */
    Worktree *worktree;
    char **argv;
    char **setup; /* pairs: folder, shell command; empty where nothing is to be prepared */
    gboolean interactive;
    guint64 stop_grace_usec, result_grace_usec;
    Limits limits;
} RunRecord;

void run_record_free(RunRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunRecord, run_record_free)

/** Writes run.json, on disk when this returns. */
gboolean run_record_write(const RunRecord *record, int folder_fd, GError **error);

/** Reads run.json. Sets G_FILE_ERROR_INVAL for one that is not ours or of an unknown format. */
RunRecord *run_record_read(int folder_fd, GError **error);

/** $XDG_STATE_HOME/storkit/runs. Caller frees. */
char *runs_folder(void);

/** Makes the folder of @run_id (0700) and opens it; -1 and @error. */
int run_folder_create(const char *run_id, GError **error);

/** Notes in the folder that the run's Start was answered `pending`: from then on the run stays,
 *  whatever becomes of its Start. */
void run_folder_set_answered(const char *run_id);
gboolean run_folder_is_answered(int folder_fd);

/** Opens the folder of @run_id; -1 and @error. */
int run_folder_open(const char *run_id, GError **error);

/** Removes the folder and all in it, at one stroke for everyone who looks; what is gone is gone. */
void run_folder_remove(const char *run_id);

/** Finishes what a service that was killed had begun: folders half removed, and those in which not
 *  even run.json is. What is no run's is left alone, with a log line. For start-up. */
void run_folders_tidy(void);

/** What the shim wrote to `started`. */
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

/** FALSE where there is none yet (or none that can be read: logged). */
gboolean run_started_read(int folder_fd, RunStarted *ret_started);

/** What the shim wrote to exit.json. */
typedef struct {
    const char *reason;    /* one of SHIM_REASON_* */
    RunStarted started;    /* its failure, where it has one */
    int exit_code;         /* -1: none */
    int exit_signal;       /* 0: none */
    guint64 agent_started; /* 0: never */
    guint64 ended, offset, bytes;
    guint64 left_behind, oom_kills, memory_peak, cpu_usec;
} RunExit;

/** FALSE where there is none yet (or none that can be read: logged). */
gboolean run_exit_read(int folder_fd, RunExit *ret_exit);
