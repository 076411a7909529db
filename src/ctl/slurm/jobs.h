/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The user's jobs in Slurm that are leases of runs. Slurm alone remembers them: a job's comment
 * says which run it is for.
 */

typedef struct {
    char *id;
    char *state;    /* as squeue has it: PENDING, RUNNING, … */
    char *reason;   /* why it waits, or has failed; "None" */
    char *node;     /* "" before it has one */
    gint64 created; /* µs since the epoch, to the second; 0: unknown */
    int exit_code;  /* of one that has ended */
    char *project, *story;
    char *agent; /* "": the default one */
} SlurmJob;

void slurm_job_free(SlurmJob *job);

/** The comment of a job for a run of @agent ("": the default one). Caller frees. */
char *slurm_comment(const char *project, const char *story, const char *agent);

/** Where jobs leave what they print. Caller frees. */
char *slurm_output_folder(void);

/** Whether anything was ever submitted from this home: nobody else is made to ask Slurm. */
gboolean slurm_is_used(void);

/** The jobs that Slurm knows, and those that have ended for as long as it does (MinJobAge, 5 min),
 *  a GPtrArray of SlurmJob. NULL with @error set where it gives no answer. Caller:
 *  g_ptr_array_unref(). */
GPtrArray *slurm_jobs(GError **error);

/** "pending", "running", "completed" or "failed", which is also one that was cancelled. */
const char *slurm_job_status(const SlurmJob *job);

gboolean slurm_job_is_live(const SlurmJob *job);

/** Whether it was cancelled, or its run stopped. */
gboolean slurm_job_is_stopped(const SlurmJob *job);

/** The job of that id in @jobs, or NULL. */
SlurmJob *slurm_find(GPtrArray *jobs, const char *id);
