/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/slurm/jobs.h"

/*
 * The files in which jobs leave what they print: of use while a job runs, and to see why one has
 * failed.
 */

/** Removes that of @job, which has ended and was told of, unless it has failed. */
void slurm_forget_output(const SlurmJob *job);

/** Removes those that have not changed for a week and whose jobs do not live; nothing where Slurm
 *  gives no answer. It is asked only if there are such files. */
void slurm_sweep_outputs(void);
