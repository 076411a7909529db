/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "pool/pool.h"
#include "run/run.h"

/*
 * Drain: the events since the last one, for clients that poll. One position a run, shared by all
 * callers, who are answered one after another; at least once: what a call returned is taken for
 * received when the next call comes, so a crash between them repeats that one batch, under the same
 * cursors.
 */

typedef struct Drains Drains;

Drains *drains_new(void);

/** Calls that still wait are answered with STORKIT_ERROR_SHUTTING_DOWN. */
void drains_free(Drains *drains);

/** Nobody can drain @run any more: it is off the list. Calls that wait for it are answered with
 *  STORKIT_ERROR_NO_SUCH_RUN. */
void drains_forget(Drains *drains, const Run *run);

/** Answers with the next events of @run as JSON texts, at most 8 MiB of them (an `as`; empty:
 *  nothing more now), once they have been read, in turns of the main loop. */
void drains_take(Drains *drains, Run *run, PoolReply reply, gpointer data);
