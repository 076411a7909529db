/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/register.h"

/*
 * Usage limits: until when one holds a queued run back. All of it follows from the runs there are,
 * so nothing is kept of it but what their records and results say; those of stopped runs, too.
 */

/** Keeps the limit that @run has waited for, if it was stopped meanwhile: the others of its account
 *  go on waiting. */
void limits_keep(Runs *runs, const Run *run);

/** When @run, which waits in the queue, may start as far as limits go (µs since the epoch): its own
 *  and its account's limits are over then, and some seconds more have passed, so that not all that
 *  wait start at once. 0: at once. */
guint64 limits_hold(const Runs *runs, const Run *run);
