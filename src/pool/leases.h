/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/register.h"

/*
 * Leases: the processes that runs live for (host/lease.h) are watched from the moment that the
 * register has the run, also of one that an earlier service has started.
 */

typedef struct Leases Leases;

/** Called on the main loop, once for a run: its lease is gone, and it is to end. */
typedef void (*LeaseGone)(Run *run, gpointer data);

/** @runs must outlive it. */
Leases *leases_new(Runs *runs, LeaseGone gone, gpointer data);
void leases_free(Leases *leases);
