/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/register.h"

/*
 * Drain: the events since the last one, for clients that poll. One position a run, shared by all
 * callers, who are answered one after another; at least once: a batch counts as received when the
 * next call comes, so a crash between them repeats that one batch, with the same cursors.
 */

typedef struct Drains Drains;

/** @runs must outlive it. */
Drains *drains_new(Runs *runs);

/** Calls that still wait are answered with STORKIT_ERROR_SHUTTING_DOWN. */
void drains_free(Drains *drains);

/** Answers with the next events of @run as JSON texts, at most 8 MiB of them (an `as`; empty:
 *  nothing more now), once they have been read, in turns of the main loop. If the run leaves the
 * list meanwhile: STORKIT_ERROR_NO_SUCH_RUN. */
void drains_take(Drains *drains, Run *run, Reply reply, gpointer data);
