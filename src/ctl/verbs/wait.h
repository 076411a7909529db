/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"
#include "ctl/info.h"

/** Waits until all of @runs (of RunInfo), or with @any the first of them, have ended, and prints
 *  each ending. Returns the exit status that tells how they ended: 0 if all completed, else the
 *  worst; -1 with @error set: CTL_ERROR_TIMEOUT after @timeout_usec. */
#define WAIT_FOREVER G_MAXUINT64
int wait_for_runs(Ctl *ctl, GPtrArray *runs, gboolean any, guint64 timeout_usec, GError **error);

/** wait over ctl->hosts. In wait-hosts.c. */
int wait_on_hosts(Ctl *ctl, char **arguments, gboolean any, guint64 timeout_usec, GError **error);

/** Prints how @info ended, as the options want it. */
void wait_print_ending(Ctl *ctl, const RunInfo *info);

/** The exit status for two runs whose own are @a and @b. */
int wait_worse(int a, int b);

/** The error of a wait with a limit. */
GError *wait_timed_out(guint outstanding);
