/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/programs.h"

#include <stdarg.h>

#include "base/install-paths.h"
#include "desktop/info.h"

const char *program_storkitctl(void)
{
    const char *named = g_getenv("STORKITCTL");
    if (named)
        return named;
    return g_file_test(STORKITCTL_PATH, G_FILE_TEST_IS_EXECUTABLE) ? STORKITCTL_PATH : "storkitctl";
}

GPtrArray *program_storkitctl_words(GVariant *info)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    const char *host = info_string(info, "host");
    g_ptr_array_add(words, g_strdup(program_storkitctl()));
    if (host) {
        g_ptr_array_add(words, g_strdup("-H"));
        g_ptr_array_add(words, g_strdup(host));
    }
    g_ptr_array_add(words, g_strdup("-C"));
    g_ptr_array_add(words, g_strdup(info_name(info, "project_root")));
    return words;
}

char **program_add_words(GPtrArray *words, const char *word, ...)
{
    va_list more;
    va_start(more, word);
    for (; word; word = va_arg(more, const char *))
        g_ptr_array_add(words, g_strdup(word));
    va_end(more);
    g_ptr_array_add(words, NULL);
    return (char **)words->pdata;
}
