/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/names.h"

#include <string.h>

#include "ctl/ctl-error.h"

#define ALL "all"
#define HERE "localhost"

gboolean hosts_check_name(const char *host, GError **error)
{
    if (*host && *host != '-' && !strpbrk(host, ", \t\n"))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "'%s' cannot be a host: -H takes hosts as ssh knows them, [USER@]HOST, separated "
                "by commas",
                host);
    return FALSE;
}

gboolean hosts_is_here(const char *host)
{
    return g_str_equal(host, HERE);
}

gboolean hosts_are_all(const char *value)
{
    return g_str_equal(value, ALL);
}

/* Adds those of ctl.toml. */
static gboolean add_all(GPtrArray *hosts, GError **error)
{
    g_autofree char *path = g_build_filename(g_get_user_config_dir(), "storkit", "ctl.toml", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) problem = NULL;
    gsize length;
    if (!g_file_get_contents(path, &text, &length, &problem) &&
        !g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED, problem->message);
        return FALSE;
    }
    if (text && !hosts_toml_read(text, length, path, hosts, error))
        return FALSE;
    if (hosts->len > 0)
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "-H all: %s names no hosts: hosts = [\"HOST\", \"HOST\"] in it does", path);
    return FALSE;
}

static gboolean check_each(GPtrArray *hosts, GError **error)
{
    for (guint i = 0; i < hosts->len; i++)
        if (!hosts_check_name(hosts->pdata[i], error))
            return FALSE;
    return TRUE;
}

static char **each_once(GPtrArray *hosts)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (guint i = 0; i < hosts->len; i++) {
        guint first;
        (void)g_ptr_array_find_with_equal_func(hosts, hosts->pdata[i], g_str_equal, &first);
        if (first == i)
            g_strv_builder_add(builder, hosts->pdata[i]);
    }
    return g_strv_builder_end(builder);
}

char **hosts_resolve(const char *value, GError **error)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(g_free);
    if (hosts_are_all(value)) {
        if (!add_all(hosts, error))
            return NULL;
    } else {
        g_auto(GStrv) words = g_strsplit(value, ",", -1);
        for (gsize i = 0; words[i]; i++)
            g_ptr_array_add(hosts, g_strdup(words[i]));
        if (hosts->len == 0)
            g_ptr_array_add(hosts, g_strdup(""));
    }
    return check_each(hosts, error) ? each_once(hosts) : NULL;
}
