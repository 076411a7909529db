/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * What a user sets for the pool as a whole and the service keeps: $XDG_STATE_HOME/storkit/settings.
 */

/** MaxAgents as it was set, or the machine's default: an agent for each GiB of memory (they wait
 *  for the network most of their time, so memory is what they run out of), at least 4, at most 64. */
guint settings_load_max_agents(void);

gboolean settings_save_max_agents(guint max_agents, GError **error);
