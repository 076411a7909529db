/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The runs of other machines among the projects of the list, and what is wrong with the machines.
 */

typedef struct FarRuns FarRuns;

/** Called with a line for each host that does not answer: "gpu2: unreachable since 12:03: …"; ""
 * if all do. Their runs stay in the list as they were. */
typedef void (*FarProblems)(const char *problems, gpointer data);

/** Keeps the runs of the hosts of ctl.toml in @projects, as they come, change and go. Caller:
 *  far_runs_free(). */
FarRuns *far_runs_new(GListStore *projects, FarProblems problems, gpointer data);

/** The runs that are in the list stay there. */
void far_runs_free(FarRuns *far);
