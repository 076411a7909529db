/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * The events of one run, from a cursor to its end, each once: a subscription that continues from
 * its cursor when the service restarts.
 */

typedef struct Follow Follow;

typedef struct {
    /** One event as the service wrote it: @line has @length bytes, without its newline. */
    void (*event)(Follow *follow, const char *line, gsize length, gpointer data);

    /** The last call: the run has ended and all was read, or @error says why it can no longer be
     * followed. The callee may free @follow. */
    void (*end)(Follow *follow, const GError *error, gpointer data);
} FollowHandler;

/** Follows @run_id from @cursor (0: from its start). The handler is called from the event loop of
 *  @ctl. Caller: follow_free(). */
Follow *follow_new(Ctl *ctl, const char *run_id, guint64 cursor, const FollowHandler *handler,
                   gpointer data);

void follow_free(Follow *follow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Follow, follow_free)
