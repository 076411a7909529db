/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * A user's settings for the whole pool:
 *   $XDG_CONFIG_HOME/storkit/storkitd.conf   written by the user, read when the service starts
 *   $XDG_STATE_HOME/storkit/settings         MaxAgents as the bus property was set
 */

typedef struct {
    guint max_agents;
    guint64 keep_usec;      /* how long ended runs are kept; 0: without limit */
    guint64 keep_bytes;     /* how much they may take up in all; 0: as much as they like */
    guint64 idle_exit_usec; /* 0: the service never exits when idle */
    double memory_pressure; /* starts wait while more of the time (in %) stalls; 0: off */
} Settings;

/** Reads both files. A key that is unknown or means nothing is logged and has its default. */
void settings_load(Settings *ret_settings);

/** Keeps MaxAgents. Blocking. */
gboolean settings_save_max_agents(guint max_agents, GError **error);
