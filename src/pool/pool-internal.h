/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/admission.h"
#include "pool/elsewhere.h"
#include "pool/leases.h"
#include "pool/settings.h"

/*
 * Shared by the sources of the pool: pool.c, questions.c, worktrees.c, adopt.c (finding runs at
 * start-up), list.c and retention.c.
 */

typedef struct Pool Pool;
typedef struct Adoption Adoption;

struct Pool {
    StartTools tools; /* the register of runs among them */
    Budget *budget;
    Admission *admission;
    Leases *leases;
    Elsewhere *elsewhere;
    GPtrArray *adoptions; /* Adoption *: of runs that were found, and are not followed yet */
    char *project_root;
    char *state_file_system; /* a network one that the runs are on, or NULL */
    Settings settings;
    gboolean pruning;
    guint prune_timer, prune_msec; /* until the next look, at least */
    gboolean shutting_down;
    GThreadPool *list_thread; /* of pool_list() */
    guint listings;           /* that are under way */
    guint list_first;         /* of the runs, whose figures are read first the next time */
    GCancellable *shut_down;  /* cancelled then, to end git's work in worker threads */
};

extern const RunKeeper pool_run_keeper;

/** retention.c: removes ended runs that are too old or too many, in a worker thread. */
void pool_prune(Pool *pool);

/** Takes an ended run off the list, and replies (unless @reply is NULL) once it will stay off over
 * a restart. */
void pool_unlist(Pool *pool, Run *run, Reply reply, gpointer data);

/** Stops those of @runs that are live: see pool_stop(). */
void pool_stop_all(Pool *pool, const GPtrArray *runs);

/** Finds out which project @root ("": ProjectRoot) means; @story may be NULL. */
void pool_resolve(Pool *pool, const char *root, const char *story, gboolean with_config,
                  TargetDone done, gpointer data);

/** list.c: the work of Pool's list_thread. */
void pool_list_in_thread(gpointer data, gpointer unused);

void adoption_free(Adoption *adoption);

/** adopt.c: reads one folder as a run that is not followed and has no cursors. @ret_listed: whether
 * List may show it. Sets G_FILE_ERROR (NOENT where there is no such run). Blocking. */
Run *adopt_read(Pool *pool, const char *run_id, gboolean *ret_listed, GError **error);
