/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/usage.h"

/*
 * What the runs on disk know about a session that spans several of them.
 */

/** The usage of the session @session_id when its last run ended, as its CLI counted: unknown if
 * none of its runs is kept, or the last one ended without a count. Blocking: it reads every run's
 * folder. */
void session_usage_find(const char *session_id, Usage *ret_usage);
