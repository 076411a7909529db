/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/start-options.h"

/** Submits a job whose script is `storkitctl run` of @target, which needs no agent in it, with the
 *  options of start as parsed and those of sbatch in @passed (NULL: none). Returns the job's id.
 *  Sets CTL_ERROR_USAGE for a name that no run can have. Caller frees. */
char *slurm_submit(const StartTarget *target, char *const *passed, GError **error);
