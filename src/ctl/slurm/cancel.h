/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/* How long before Slurm ends a job its lease is told: its agent has its own stop_grace in that. */
#define SLURM_GRACE_SECONDS 120

/** Ends the jobs of @runs (of RunInfo, each with a `job`): one that waits at once, one that runs by
 *  TERM to its lease, which stops the run; after SLURM_GRACE_SECONDS Slurm ends it. Returns when
 *  all have ended, and reports each. */
gboolean slurm_cancel(Ctl *ctl, GPtrArray *runs, GError **error);
