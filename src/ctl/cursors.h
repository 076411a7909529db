/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Points in the events of several runs, as text: a line each, "RUN-ID CURSOR".
 */

/** A table from run ids to cursors (guint64 *). Caller: g_hash_table_unref(). */
GHashTable *cursors_new(void);

/** Remembers that the events of @run_id up to @cursor are known. */
void cursors_set(GHashTable *cursors, const char *run_id, guint64 cursor);

/** Whether @run_id is in the table; @ret_cursor gets its cursor. */
gboolean cursors_get(GHashTable *cursors, const char *run_id, guint64 *ret_cursor);

/** The table as text. Caller frees. */
char *cursors_write(GHashTable *cursors);

/** Reads the file at @path, or standard input for "-". Sets CTL_ERROR_USAGE for a line that is not
 *  as above, and CTL_ERROR_FAILED where the file can't be read. Caller: g_hash_table_unref(). */
GHashTable *cursors_read(const char *path, GError **error);
