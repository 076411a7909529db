/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "pool/settings.h"

/*
 * Retention: ended runs go when they are too old, and the oldest when all of them take up too much.
 */

/** Removes the folders of ended runs as @settings say, oldest first: never a live run's, never one
 *  that the bus or the journal has not finished: @ret_again says that there is one to come back to.
 *  Returns the ids of those that are gone. Blocking: worker threads only. Caller unrefs. */
GPtrArray *prune_runs(const Settings *settings, gboolean *ret_again);
