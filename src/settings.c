/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <unistd.h>

#define GROUP "Pool"
#define KEY_MAX_AGENTS "MaxAgents"

static char *settings_path(void)
{
    return g_build_filename(g_get_user_state_dir(), "storkit", "settings", NULL);
}

static guint default_max_agents(void)
{
    guint64 bytes = (guint64)sysconf(_SC_PHYS_PAGES) * (guint64)sysconf(_SC_PAGESIZE);
    return (guint)CLAMP(bytes >> 30, 4, 64);
}

guint settings_load_max_agents(void)
{
    g_autofree char *path = settings_path();
    g_autoptr(GKeyFile) file = g_key_file_new();
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL))
        return default_max_agents();
    guint64 value = g_key_file_get_uint64(file, GROUP, KEY_MAX_AGENTS, NULL);
    return value > 0 && value <= G_MAXUINT ? (guint)value : default_max_agents();
}

gboolean settings_save_max_agents(guint max_agents, GError **error)
{
    g_autofree char *path = settings_path();
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_mkdir_with_parents(folder, 0700);
    g_key_file_load_from_file(file, path, G_KEY_FILE_KEEP_COMMENTS, NULL);
    g_key_file_set_uint64(file, GROUP, KEY_MAX_AGENTS, max_agents);
    return g_key_file_save_to_file(file, path, error);
}
