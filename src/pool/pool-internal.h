/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/pool.h"
#include "start/start.h"

/*
 * What the rooms of the pool share: pool.c (the runs), questions.c, admission.c (who may
 * start), run/waiting.c (who waits for an end), worktrees.c, start.c (one Start from its
 * arguments to its reply), start-undo.c (the way back from one) and adopt.c (finding runs at
 * start-up).
 */

typedef struct Adoption Adoption;

struct Pool {
    GPtrArray *runs;      /* Run *, oldest first: live ones, and the listed ended ones */
    GPtrArray *starts;    /* Start * that have not finished */
    GPtrArray *adoptions; /* Adoption *: of runs that were found, and are not followed yet */
    GQueue queue;         /* of those, the ones that wait for admission: first come, first served */
    WorkQueue *work;
    FolderWatch *folder_watch;
    Systemd *systemd;
    GArray *listeners;
    GHashTable *waiters;  /* Run * -> GArray of Pending: calls of Wait */
    GHashTable *stoppers; /* Run * -> GArray of Pending: calls of Stop */
    GHashTable *sessions; /* char *key -> char *: the last session of a story's agent */
    char *project_root;
    Settings settings;
    guint pressure_timer;
    gboolean pruning;
    gboolean shutting_down;
    GCancellable *shut_down; /* cancelled then: what git does in worker threads ends */
};

extern const RunKeeper pool_run_keeper;

/** The newest run of the key, live before ended, or NULL. Belongs to the pool. */
Run *pool_lookup(Pool *pool, const char *root, const char *story, const char *agent);

/** Adds a run; the pool takes a reference. */
void pool_add_run(Pool *pool, Run *run);

/** Whether one more agent may run now. */
gboolean pool_has_room(Pool *pool);

/** Remembers the session of a run that has ended, for `resume` "last": the list may forget it. */
void pool_keep_session(Pool *pool, const Run *run);

/** The last session that is known of the key, or NULL. Belongs to the pool. */
const char *pool_last_session(Pool *pool, const char *root, const char *story, const char *agent);

/** Removes ended runs that are too old or too many, in a worker thread. */
void pool_prune(Pool *pool);

/** The run stays: ended ones of its key give way. */
void pool_replace_older(Pool *pool, const Run *run);

/** The run is real: its events go out. */
void pool_make_visible(Pool *pool, Run *run);

/** Tells the sinks of a visible run, once its cursors are there to be kept. */
void pool_announce(Pool *pool, Run *run);

/** Forgets a run that was undone, or stopped. */
void pool_remove_run(Pool *pool, Run *run);

/** Takes an ended run off the list, and replies (unless @reply is NULL) once it will stay off over
 * a restart. */
void pool_unlist(Pool *pool, Run *run, PoolReply reply, gpointer data);

/** The Starts there are, for a walk in which some may finish. Caller unrefs. */
GPtrArray *pool_snapshot_starts(const Pool *pool);

/** A call of Wait, or of Stop, for pool_answer_waiters(). */
void pool_add_waiter(Pool *pool, Run *run, PoolReply reply, gpointer data);
void pool_add_stopper(Pool *pool, Run *run, PoolReply reply, gpointer data);

/** The Start that is making @run, or NULL. */
Start *pool_start_of(Pool *pool, const Run *run);

/** Whether another run than @run is making, or has, what is in the story's worktree. */
gboolean pool_story_is_shared(Pool *pool, const Run *run);

/** Whether another run prepares the story's worktree now. */
gboolean pool_story_is_preparing(Pool *pool, const Run *run);

/** A run got further, or a Start ended: those who waited for that may go on. */
void pool_advance(Pool *pool);

/** Tells every listener that @run's state is another one. */
void pool_notify_changed(Pool *pool, Run *run);

/** Tells every listener that Running or Queued may be another number. */
void pool_notify_counts(Pool *pool);

/** Finds out which project @root ("": ProjectRoot) means; @story may be NULL. */
void pool_resolve(Pool *pool, const char *root, const char *story, gboolean with_config,
                  TargetDone done, gpointer data);

/** Answers every call of Wait and Stop that waits for @run. */
void pool_answer_waiters(Pool *pool, Run *run);

void adoption_free(Adoption *adoption);

/** adopt.c: reads one folder as a run that is not followed and has no cursors; NULL (and a log
 * line) for what is none of ours. Blocking. */
Run *adopt_read(Pool *pool, const char *run_id);
