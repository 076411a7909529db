/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/folder-watch.h"
#include "base/work-queue.h"
#include "project/target.h"
#include "host/systemd.h"
#include "run/register.h"

/*
 * The input of a Start, and all that it asks of its owner.
 */

typedef struct Start Start;

/** What all Starts work with. */
typedef struct {
    Runs *runs;
    WorkQueue *work;
    Systemd *systemd;
    FolderWatch *folder_watch;
} StartTools;

/** The owner of Starts (the admission). All are called on the main loop. */
typedef struct {
    /** Whether @start may prepare its story's worktree now; if not, start_retry() asks again. */
    gboolean (*may_prepare)(const Start *start, gpointer data);

    /** Whether a run that has waited may start for @target, as the roster is now. */
    gboolean (*check_target)(const Target *target, gpointer data, GError **error);

    /** A run other than @run that is setting up, or has set up, its story's worktree; or NULL. */
    Run *(*find_sharer)(const Run *run, gpointer data);

    /** @start has got into the queue: it may be admitted. */
    void (*moved_on)(Start *start, gpointer data);

    /** @start is over, and to be freed. @to_queue: its run is to wait for its turn once more. */
    void (*finished)(Start *start, gboolean to_queue, gpointer data);
} StartOwner;
