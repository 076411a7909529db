/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/register.h"

/*
 * Subscriptions: a client's pipe with a run's events as NDJSON, from any cursor, each at its own
 * pace. One that does not read costs one batch; one that goes away is freed; after the terminal
 * event the client reads end of file.
 */

typedef struct Subscriptions Subscriptions;

/** @runs must outlive them. */
Subscriptions *subscriptions_new(Runs *runs);
void subscriptions_free(Subscriptions *subscriptions);

/** Opens a subscription to @run from @cursor. Returns the read end for the client (the caller
 *  closes it), or -1 and @error. */
int subscriptions_add(Subscriptions *subscriptions, Run *run, guint64 cursor, GError **error);

guint subscriptions_count(const Subscriptions *subscriptions);
