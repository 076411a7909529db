/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/info.h"

/** How long to leave Slurm alone between two questions. */
#define SLURM_LOOK_USEC (5 * G_TIME_SPAN_SECOND)

/** How the job of @info (a RunInfo with a `job`) has ended: its run as listed in @runs where it is
 *  there, else the job. NULL while it lives. @jobs: what slurm_jobs() gave. Sets CTL_ERROR_FAILED
 *  where nobody knows its end. Caller: run_info_free(). */
RunInfo *slurm_ended(const RunInfo *info, GPtrArray *jobs, GPtrArray *runs, GError **error);
