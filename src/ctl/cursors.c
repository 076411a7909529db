/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/cursors.h"

#include <string.h>

#include "ctl/ctl-error.h"

GHashTable *cursors_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void cursors_set(GHashTable *cursors, const char *run_id, guint64 cursor)
{
    g_hash_table_insert(cursors, g_strdup(run_id), g_memdup2(&cursor, sizeof(cursor)));
}

gboolean cursors_get(GHashTable *cursors, const char *run_id, guint64 *ret_cursor)
{
    const guint64 *cursor = g_hash_table_lookup(cursors, run_id);
    if (cursor)
        *ret_cursor = *cursor;
    return cursor != NULL;
}

char *cursors_write(GHashTable *cursors)
{
    GString *text = g_string_new(NULL);
    GHashTableIter iter;
    gpointer run_id, cursor;
    g_hash_table_iter_init(&iter, cursors);
    while (g_hash_table_iter_next(&iter, &run_id, &cursor))
        g_string_append_printf(text, "%s %" G_GUINT64_FORMAT "\n", (char *)run_id,
                               *(guint64 *)cursor);
    return g_string_free(text, FALSE);
}

static gboolean read_line(GHashTable *cursors, char *line)
{
    char *space = strchr(line, ' ');
    guint64 cursor;
    if (!space || space == line ||
        !g_ascii_string_to_unsigned(space + 1, 10, 0, G_MAXUINT64, &cursor, NULL))
        return FALSE;
    *space = '\0';
    cursors_set(cursors, line, cursor);
    return TRUE;
}

GHashTable *cursors_read(const char *path, GError **error)
{
    gboolean is_input = g_str_equal(path, "-");
    g_autofree char *text = NULL;
    g_autoptr(GError) problem = NULL;
    if (!g_file_get_contents(is_input ? "/dev/stdin" : path, &text, NULL, &problem)) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "--cursors: %s", problem->message);
        return NULL;
    }
    g_autoptr(GHashTable) cursors = cursors_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i]; i++) {
        if (!*lines[i] || read_line(cursors, lines[i]))
            continue;
        g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                    "--cursors=%s: line %zu is not a run's id and a cursor", path, i + 1);
        return NULL;
    }
    return g_steal_pointer(&cursors);
}
