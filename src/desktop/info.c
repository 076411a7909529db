/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/info.h"

#include <string.h>

const char *info_string(GVariant *info, const char *key)
{
    const char *value = NULL;
    return g_variant_lookup(info, key, "&s", &value) && *value ? value : NULL;
}

const char *info_name(GVariant *info, const char *key)
{
    return info_string(info, key) ?: "";
}

guint64 info_uint(GVariant *info, const char *key)
{
    guint64 wide;
    guint32 narrow;
    if (g_variant_lookup(info, key, "t", &wide))
        return wide;
    return g_variant_lookup(info, key, "u", &narrow) ? narrow : 0;
}

gboolean info_flag(GVariant *info, const char *key)
{
    gboolean value;
    return g_variant_lookup(info, key, "b", &value) && value;
}

static gboolean is_running(GVariant *info)
{
    return g_str_equal(info_name(info, "status"), "running");
}

gboolean info_is_live(GVariant *info)
{
    return is_running(info) || g_str_equal(info_name(info, "status"), "pending");
}

/* A bar of progress is unfinished, too: only what ends like "Password:" or "Go on? [y/N]" asks. */
static gboolean reads_like_question(const char *line)
{
    g_autofree char *text = g_strchomp(g_strdup(line ?: ""));
    gsize length = strlen(text);
    return length > 0 && strchr("?:])>", text[length - 1]);
}

const char *info_waits_for(GVariant *info, guint64 now)
{
    const char *waiting = info_string(info, "waiting");
    if (!info_is_live(info))
        return NULL;
    if (waiting)
        return g_str_equal(waiting, "setup") ? NULL : waiting;
    if (info_uint(info, "retry_at") > now)
        return "limit";
    return reads_like_question(info_string(info, "unfinished_line")) ? "input" : NULL;
}

gboolean info_is_at_work(GVariant *info, guint64 now)
{
    return is_running(info) && !info_flag(info, "frozen") &&
           g_strcmp0(info_waits_for(info, now), "limit") != 0;
}

char *info_first_question(GVariant *info)
{
    g_autoptr(GVariant) questions =
        g_variant_lookup_value(info, "questions", G_VARIANT_TYPE("aa{sv}"));
    if (!questions || g_variant_n_children(questions) == 0)
        return g_strdup("");
    g_autoptr(GVariant) question = g_variant_get_child_value(questions, 0);
    return g_strdup(info_name(question, "id"));
}

char *info_project_name(GVariant *info)
{
    const char *root = info_string(info, "project_root");
    return root ? g_path_get_basename(root) : g_strdup("");
}
