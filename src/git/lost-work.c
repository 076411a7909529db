/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/lost-work.h"

#include <string.h>

#define NAMES_SHOWN 5

Work *work_new(void)
{
    Work *work = g_new0(Work, 1);
    work->files = g_ptr_array_new_with_free_func(g_free);
    work->commits = g_ptr_array_new_with_free_func(g_free);
    return work;
}

void work_free(Work *work)
{
    g_ptr_array_unref(work->files);
    g_ptr_array_unref(work->commits);
    g_free(work);
}

void work_add_unknown(Work *work, const char *path)
{
    g_ptr_array_add(work->files, g_strdup_printf("%s, which cannot be read", path));
}

void work_add_lines(GPtrArray *lines, const char *text, gsize skip)
{
    g_auto(GStrv) split = g_strsplit(text, "\n", -1);
    for (char **line = split; *line; line++) {
        if (strlen(*line) > skip)
            g_ptr_array_add(lines, g_strdup(*line + skip));
    }
}

gboolean work_is_listed(const GPtrArray *names, const char *name)
{
    return g_ptr_array_find_with_equal_func((GPtrArray *)names, name, g_str_equal, NULL);
}

static void describe(GString *text, const GPtrArray *names, const char *one, const char *many)
{
    if (names->len == 0)
        return;
    g_string_append_printf(text, "%s%u %s (", text->len ? " and " : "", names->len,
                           names->len == 1 ? one : many);
    for (guint i = 0; i < MIN(names->len, NAMES_SHOWN); i++)
        g_string_append_printf(text, "%s%s", i ? ", " : "", (const char *)names->pdata[i]);
    g_string_append(text, names->len > NAMES_SHOWN ? ", …)" : ")");
}

char *work_describe(const Work *work)
{
    g_autoptr(GString) text = g_string_new(NULL);
    describe(text, work->files, "uncommitted file", "uncommitted files");
    describe(text, work->commits, "commit on no other branch", "commits on no other branch");
    /* Names of files may be any bytes. */
    return g_utf8_make_valid(text->str, -1);
}
