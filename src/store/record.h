/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"
#include "agents/usage.h"
#include "base/child-bounds.h"
#include "base/permissions.h"
#include "base/run-limits.h"
#include "base/sandbox-config.h"
#include "git/worktree.h"
#include "host/machine.h"
#include "store/family.h"
#include "store/start-options.h"

/*
 * run.json in a run's folder: the identity of the run, and the plan of its Start. Blocking, but
 * small.
 */

typedef struct {
    char *run_id, *unit;
    char *project_root, *story, *agent;
    Machine *machine; /* that it belongs to; NULL, in a record of an earlier version: this one */
    const AgentKind *kind;
    guint64 created; /* µs since the epoch */
    gboolean queued; /* waits for admission: nothing but the folder is made yet */
    StartOptions *options;
    RunFamily family;
    char *account;       /* whose usage limits it shares, or NULL */
    char *continues;     /* the run that a usage limit ended, and this one goes on with; or NULL */
    guint attempt;       /* how many runs of this work a limit has ended before it */
    guint64 limit_until; /* it waits for that to be over; µs since the epoch, 0: none */
    gboolean hurries;    /* it was told not to wait for a limit; is not kept */
    /* The plan: unset while queued. */
    Worktree *worktree;
    char **argv;
    char **setup; /* pairs: folder, shell command; empty where nothing is to be prepared */
    gboolean interactive;
    PermissionMode permission;
    char **allow, **deny;     /* rules, where the service is to hold to them; or NULL */
    char *mode, *model;       /* for a kind that is spoken with; or NULL */
    char *mcp_servers;        /* likewise: a JSON array */
    guint64 ask_timeout_usec; /* 0: none */
    gboolean timeout_stops;   /* the run; else the answer is no */
    gboolean waits_out_limits;
    guint limit_retries;
    ChildBounds children;
    double budget_usd; /* of its project for a day; 0: none */
    gboolean budget_stops;
    guint64 stop_grace_usec, result_grace_usec;
    Limits limits;
    char *environment_problem; /* why the agent's environment is not that of the shell; or NULL */
    Usage session_before;   /* the usage of the session that it resumes, if its CLI counts that */
    char *sandbox;          /* "worktree" or "required"; NULL: none */
    char **sandbox_missing; /* what of it this machine does not enforce, or NULL */
} RunRecord;

void run_record_free(RunRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunRecord, run_record_free)

/** The host of the other machine that the run belongs to, or NULL for one of this machine. */
const char *run_record_host(const RunRecord *record);

/** Whether messages reach its agent on stdin. */
gboolean run_record_has_pipe(const RunRecord *record);

/** Writes run.json, on disk when this returns. */
gboolean run_record_write(const RunRecord *record, int folder_fd, GError **error);

/** Reads run.json. Sets G_FILE_ERROR_INVAL for one with an unknown format. */
RunRecord *run_record_read(int folder_fd, GError **error);
