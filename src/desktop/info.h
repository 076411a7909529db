/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The service's info of a run: the a{sv} of the contract. Strings belong to the info.
 */

/** The string at @key, or NULL where the run has none. */
const char *info_string(GVariant *info, const char *key);

/** The same where every info has one; "" from a service that left it out. */
const char *info_name(GVariant *info, const char *key);

/** The number at @key, of whatever width; 0 where the run has none. */
guint64 info_uint(GVariant *info, const char *key);

gboolean info_flag(GVariant *info, const char *key);

/** Queued, being prepared, or running. */
gboolean info_is_live(GVariant *info);

/** What a live run is waiting for at @now (µs since the epoch): "permission", "input" or "limit";
 * NULL if it is not. A last line that is unfinished and reads like a question is input. */
const char *info_waits_for(GVariant *info, guint64 now);

/** Whether the machine should stay awake for it: it runs, is not frozen, and does not wait for the
 *  end of a limit. */
gboolean info_is_at_work(GVariant *info, guint64 now);

/** The id of the question that it asked first; "" where it asks none. Caller frees. */
char *info_first_question(GVariant *info);

/** The last component of the project's path; "" where it is unknown. Caller frees. */
char *info_project_name(GVariant *info);
