/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "run/run.h"

/*
 * The contract's info of a run. A key is absent if it has no value.
 */

/** The contract's info, a{sv} (floating). Reads the figures of a live run's scope. */
GVariant *run_get_info(const Run *run);

/** The same without what changes from moment to moment: its cursor, and the figures of its memory,
 *  CPU time and processes. */
GVariant *run_get_state(const Run *run);

/** Reads what the scope with the folder @cgroup uses. Any thread. */
void run_figures_read(const char *cgroup, RunFigures *ret_figures);

/** What run_get_info() has beside run_get_state(), from @figures and the run's @cursor: a{sv}
 *  (floating). Any thread. */
GVariant *run_figures_to_variant(const RunFigures *figures, guint64 cursor);
