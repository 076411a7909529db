/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Slurm's own programs: sbatch, squeue, scancel, scontrol. Their text forms are read; the JSON of
 * 22.05 has wrong exit codes, and its shape changes with each release.
 */

/** Runs @argv, ended by NULL, with @input (or NULL: none) as its standard input, and without the
 *  variables that change what squeue and scancel mean. Returns its output without trailing
 *  newlines. Sets CTL_ERROR_FAILED to the last line that it said. Caller frees. */
char *slurm_output(const char *const *argv, const char *input, GError **error);
