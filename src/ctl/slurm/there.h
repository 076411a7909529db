/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verb.h"

/** Where a command has failed with @problem since its run is not this host's, and a job of Slurm
 *  has it: becomes the same command in that job, by `srun --overlap`. @words: the command line
 *  without the program. Returns only where there is no such job, without an error; or with @error
 *  set where the job waits for a place, or srun cannot be run. */
gboolean slurm_try_there(Ctl *ctl, const Verb *verb, char **arguments, char *const *words,
                         const GError *problem, GError **error);
