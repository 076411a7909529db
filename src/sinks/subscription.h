/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/run.h"

/*
 * Subscriptions: a client's pipe with a run's events as NDJSON, from any cursor, each at its own
 * pace. One that does not read costs one batch; one that goes away is freed; after the terminal
 * event the client reads end of file.
 */

typedef struct Subscriptions Subscriptions;

Subscriptions *subscriptions_new(void);
void subscriptions_free(Subscriptions *subscriptions);

/** Opens a subscription to @run from @cursor. Returns the read end for the client (the caller
 *  closes it), or -1 and @error. */
int subscriptions_add(Subscriptions *subscriptions, Run *run, guint64 cursor, GError **error);

/** The run's log has more to read; the next of it is @batch for who is at its head (or NULL). */
void subscriptions_wake(Subscriptions *subscriptions, Run *run, EventBatch *batch);

/** Gives a status that is no event of the log (`frozen`, ...) to everybody: those who are behind
 * get it at its head, the last one only, and none that is over by then. @status is static. */
void subscriptions_send_live(Subscriptions *subscriptions, Run *run, const char *status);

guint subscriptions_count(const Subscriptions *subscriptions);
