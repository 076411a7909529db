/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "desktop/notice.h"
#include "desktop/notifications.h"

/*
 * The one notification that many at once become.
 */

typedef struct Burst Burst;

/** Caller: burst_free(), before @notifications. */
Burst *burst_new(GDBusConnection *bus, Notifications *notifications);
void burst_free(Burst *burst);

/** Puts the notice of a run into it, in place of that run's last one. */
void burst_add(Burst *burst, const char *run_id, const Notice *notice);

/** The run has no notice any more; the burst is withdrawn with the last one. */
void burst_remove(Burst *burst, const char *run_id);

void burst_show(Burst *burst);
gboolean burst_is_shown(const Burst *burst);
