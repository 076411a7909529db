/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The newest text that the journal has of run @run_id, cleaned, or NULL. Caller frees. */
char *last_line_from_journal(const char *run_id);

/** Whether the journal has an entry about @story (of @project, or with NULL of any); TRUE also
 * where it can't be read. */
gboolean journal_knows_story(const char *project, const char *story);
