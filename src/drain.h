/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run.h"

/*
 * Drain: the events since the last one, for clients that poll. One position a run, shared by all
 * callers; at least once: what a call returned is taken for received when the next call comes, so
 * a crash between them repeats that one batch, under the same cursors.
 */

typedef struct Drains Drains;

Drains *drains_new(void);
void drains_free(Drains *drains);

/** Nobody can drain @run any more: it is off the list. */
void drains_forget(Drains *drains, const Run *run);

/** The next events of @run as JSON texts, at most 8 MiB of them (an `as`, floating; empty: nothing
 *  more now). */
GVariant *drains_take(Drains *drains, Run *run, GError **error);
