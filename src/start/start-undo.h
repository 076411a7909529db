/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/pool.h"

/*
 * The way back from a Start that fails before its gate, or whose program was never executed: the
 * shim and the scope first, then the worktree and the branch that this Start made, the run's folder
 * last, so that a service which dies in between finds out from it what is left to undo.
 */

typedef struct StartUndo StartUndo;

/** Who undoes. Both are called on the main loop, never before the call that leads to them returns.
 */
typedef struct {
    /* All but the folder is gone. Whether it stays, to show how the run failed: decided for good.
     */
    gboolean (*keeps_folder)(gpointer data);
    void (*done)(gpointer data);
} StartUndoOwner;

/** Closes the run's gate, makes sure that its shim and (where @scope_asked: systemd may have it)
 * its scope are gone, and undoes the rest. A worktree that somebody has worked in meanwhile is left
 * with a warning: nothing of the run was there. It must not be freed before done(). */
StartUndo *start_undo(Pool *pool, Run *run, gboolean scope_asked, const StartUndoOwner *owner,
                      gpointer data);

/** Undoes the rest, for a run behind its gate of which nothing runs any more. */
StartUndo *start_undo_disk(Pool *pool, Run *run, const StartUndoOwner *owner, gpointer data);

void start_undo_free(StartUndo *undo);
