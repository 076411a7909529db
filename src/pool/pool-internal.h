/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/pool.h"
#include "start/start.h"

/*
 * What the rooms of the pool share: pool.c (the runs), questions.c, admission.c (who may
 * start), worktrees.c, start.c (one Start from its
 * arguments to its reply), start-undo.c (the way back from one) and adopt.c (finding runs at
 * start-up).
 */

typedef struct Adoption Adoption;

struct Pool {
    Runs *runs;
    GPtrArray *starts;    /* Start * that have not finished */
    GPtrArray *adoptions; /* Adoption *: of runs that were found, and are not followed yet */
    GQueue queue;         /* of those, the ones that wait for admission: first come, first served */
    WorkQueue *work;
    FolderWatch *folder_watch;
    Systemd *systemd;
    char *project_root;
    Settings settings;
    guint pressure_timer;
    gboolean pruning;
    gboolean shutting_down;
    GCancellable *shut_down; /* cancelled then: what git does in worker threads ends */
};

extern const RunKeeper pool_run_keeper;

/** Whether one more agent may run now. */
gboolean pool_has_room(Pool *pool);

/** Removes ended runs that are too old or too many, in a worker thread. */
void pool_prune(Pool *pool);

/** Takes an ended run off the list, and replies (unless @reply is NULL) once it will stay off over
 * a restart. */
void pool_unlist(Pool *pool, Run *run, Reply reply, gpointer data);

/** The Starts there are, for a walk in which some may finish. Caller unrefs. */
GPtrArray *pool_snapshot_starts(const Pool *pool);

/** The Start that is making @run, or NULL. */
Start *pool_start_of(Pool *pool, const Run *run);

/** Whether another run than @run is making, or has, what is in the story's worktree. */
gboolean pool_story_is_shared(Pool *pool, const Run *run);

/** Whether another run prepares the story's worktree now. */
gboolean pool_story_is_preparing(Pool *pool, const Run *run);

/** A run got further, or a Start ended: those who waited for that may go on. */
void pool_advance(Pool *pool);

/** Finds out which project @root ("": ProjectRoot) means; @story may be NULL. */
void pool_resolve(Pool *pool, const char *root, const char *story, gboolean with_config,
                  TargetDone done, gpointer data);

void adoption_free(Adoption *adoption);

/** adopt.c: reads one folder as a run that is not followed and has no cursors; NULL (and a log
 * line) for what is none of ours. @ret_listed: whether List may show it. Blocking. */
Run *adopt_read(Pool *pool, const char *run_id, gboolean *ret_listed);
