/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/work-queue.h"
#include "run/run.h"

/*
 * The claims of runs on their worktrees (git/claim.h), from the main loop.
 */

/** The key of the work queue for what is done with the claim of @admin: no checkout of another
 * story is waited for. Caller frees. */
char *claims_lane(const char *admin);

/** Lets go of the claim of @run; @next works on in its worktree, or is NULL. @done (or NULL) is
 *  called with @data afterwards, on the main loop, perhaps before this returns. */
void claims_release(WorkQueue *work, const Run *run, const Run *next, void (*done)(gpointer data),
                    gpointer data);
