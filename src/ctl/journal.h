/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The newest text that the journal has of run @run_id, cleaned, or NULL. Caller frees. Sets
 *  *@ret_cursor to that of an event up to which it has them all, 0 if it has none. */
char *last_line_from_journal(const char *run_id, guint64 *ret_cursor);

/** Whether the journal has an entry about @story (of @project, or with NULL of any); TRUE also
 * where it can't be read. */
gboolean journal_knows_story(const char *project, const char *story);
