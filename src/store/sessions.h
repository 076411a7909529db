/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/usage.h"

/*
 * What the runs on disk know of a session that went through several of them.
 */

/** What the session @session_id had used when its last run ended, as its CLI counted: nothing is
 *  known where no run of it is kept, or its last one ended without a count. Blocking: it looks into
 *  every run's folder. */
void session_usage_find(const char *session_id, Usage *ret_usage);
