/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "host/systemd.h"

/*
 * Wake: a time of day at which there is something to do, whatever happens until then. While the
 * service runs, a timer of the real-time clock tells it (after a suspend, too, and by a clock that
 * was set); where it has gone, a transient timer unit of the user manager starts it again. A timer
 * unit does not outlive the manager: the next service sets it again.
 */

typedef struct Wake Wake;

/** @due is called on the main loop. @systemd must outlive it. */
Wake *wake_new(Systemd *systemd, void (*due)(gpointer data), gpointer data);

/** The timer unit stays. */
void wake_free(Wake *wake);

/** At @time (µs since the epoch), and no longer at the one before; 0: never. */
void wake_set(Wake *wake, guint64 time);
