/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "store/cursors.h"
#include "project/target.h"
#include "store/record.h"

/*
 * The blocking half of a Start: what a run is to be (its record, its command line), and all that is
 * made for it on the disk (its folder, its worktree). It knows neither the pool nor the run: worker
 * threads call it, and what it has made is handed back in a Preparation.
 */

typedef struct {
    GCancellable *cancellable; /* in: ends what git does for it */
    char **environment;        /* in: the user's login environment; out: the agent's */
    int folder_fd;             /* out: the run's, where start_prepare_folder() has made it */
    SinkCursors *cursors;      /* likewise */
    RunRecord *plan;           /* out: the record as run.json has it */
    gboolean has_stdin;        /* out: the folder has a file `stdin` for the agent */
    GError *error;             /* of a worker thread, for the main loop to take */
} Preparation;

#define PREPARATION_INIT                                                                           \
    {                                                                                              \
        .folder_fd = -1                                                                            \
    }

/** Frees what nobody has taken out of it. */
void preparation_clear(Preparation *preparation);

/** The record of a new run of @target's agent, with a run id of its own; takes @options. */
RunRecord *start_new_record(const Target *target, StartOptions *options);

/** Blocking: makes the folder of a run, with @record in it: before its Start makes anything else,
 * and before anybody is told that it waits. */
gboolean start_prepare_folder(Preparation *preparation, const RunRecord *record, GError **error);

/** Blocking, for a run that has its folder @folder_fd: plans the run that @record asks for after
 * @target's config, writes that down, and only then makes the worktree. When it fails, what
 * @preparation has got by then is still to be taken: the plan says what must be undone. */
gboolean start_prepare(Preparation *preparation, int folder_fd, const RunRecord *record,
                       const Target *target, GError **error);
