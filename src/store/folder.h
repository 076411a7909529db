/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The folders of runs: $XDG_STATE_HOME/storkit/runs/RUN-ID/. Blocking, but small.
 */

/** $XDG_STATE_HOME/storkit/runs. Caller frees. */
char *runs_folder(void);

/** Makes the folder of @run_id (0700) and opens it; -1 and @error. */
int run_folder_create(const char *run_id, GError **error);

/** Notes in the folder that the run's Start was answered `pending`: from then on the run stays,
 *  whatever becomes of its Start. */
void run_folder_set_answered(const char *run_id);
gboolean run_folder_is_answered(int folder_fd);

/** Opens the folder of @run_id; -1 and @error. */
int run_folder_open(const char *run_id, GError **error);

/** Removes the folder and all in it, in one step for every observer; one that is gone is not an
 * error. */
void run_folder_remove(const char *run_id);

/** Finishes the work of a service that was killed: folders half removed, and those without a
 * run.json. A folder that does not belong to a run is left alone, with a log line. For start-up. */
void run_folders_tidy(void);
