/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/info.h"
#include "ctl/slurm/jobs.h"

/*
 * Jobs of Slurm among the runs of a list. A row of a job is like a run's info, without a `run_id`,
 * and with `job`, `job_state` and `job_reason`.
 */

/** @job as a row. Caller: run_info_free(). */
RunInfo *slurm_row(const SlurmJob *job);

/** Adds what Slurm has of @project (NULL: of all) to @runs, which are in the order of lists and
 *  stay so. A job whose run is among them is no row: that run gets its `job`. Warns where Slurm
 *  gives no answer. */
void slurm_add_rows(GPtrArray *runs, const char *project);

/** The same for rows that are there already, beside the runs of several hosts. */
void slurm_join_rows(GPtrArray *runs);

/** Whether Slurm is the one to be told of @info: a row of a job, or its run on another host. */
gboolean slurm_has(const RunInfo *info);
