/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/** Waits until all of @runs (of RunInfo), or with @any the first of them, have ended, and prints
 *  each ending. Returns the exit status that tells how they ended: 0 if all completed, else the
 *  worst; -1 with @error set: CTL_ERROR_TIMEOUT after @timeout_usec. */
#define WAIT_FOREVER G_MAXUINT64
int wait_for_runs(Ctl *ctl, GPtrArray *runs, gboolean any, guint64 timeout_usec, GError **error);
