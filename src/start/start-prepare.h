/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "store/cursors.h"
#include "project/target.h"
#include "store/record.h"

/*
 * The blocking half of a Start: the plan of a run (its record, its command line), and all that is
 * created for it on the disk (its folder, its worktree). It knows neither the pool nor the run:
 * worker threads call it, and it returns its results in a Preparation.
 */

typedef struct {
    GCancellable *cancellable;  /* in: ends git's work for it */
    char **environment;         /* in: the user's login environment, which is git's, too */
    char **agents_environment;  /* out */
    char **sandbox_environment; /* out: the same, before its sandbox took addresses from it */
    int folder_fd;              /* out: the run's, where start_prepare_folder() has made it */
    SinkCursors *cursors;       /* likewise */
    RunRecord *plan;            /* out: the record as run.json has it */
    gboolean has_stdin;         /* out: the folder has a file `stdin` for the agent */
    GError *error;              /* of a worker thread, for the main loop to take */
} Preparation;

#define PREPARATION_INIT                                                                           \
    {                                                                                              \
        .folder_fd = -1                                                                            \
    }

/** Frees the members that nobody has taken. */
void preparation_clear(Preparation *preparation);

/** The record of a new run of @target's agent, with a run id of its own; takes @options. @parent:
 *  that of the run that starts it, or NULL. */
RunRecord *start_new_record(const Target *target, StartOptions *options, const RunRecord *parent);

/** The record of the run that goes on with @ended in its @session (NULL: from its beginning), once
 *  the usage limit that ended it is over at @limit_until (µs since the epoch). */
RunRecord *start_continued_record(const RunRecord *ended, const char *session, guint64 limit_until);

/** Blocking: creates the folder of a run, with @record in it: before its Start creates anything
 * else, and before anybody learns that it waits. */
gboolean start_prepare_folder(Preparation *preparation, const RunRecord *record, GError **error);

/** Blocking, for a run with the folder @folder_fd: plans the run of @record by @target's config,
 * and writes the plan down, before anything of it is created. If it fails, the caller still takes
 * what is in @preparation. */
gboolean start_prepare_plan(Preparation *preparation, int folder_fd, const RunRecord *record,
                            const Target *target, GError **error);

/** Blocking, for a run whose @record is what start_prepare_plan() planned: creates the worktree,
 * and writes what its sandbox needs. What it leaves if it fails is undone by the record. */
gboolean start_prepare_worktree(Preparation *preparation, int folder_fd, const RunRecord *record,
                                const Target *target, GError **error);
