/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/settings.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file-read.h"
#include "base/run-limits.h"

#define FILE_MAX (1024 * 1024)

#define GROUP_POOL "Pool"
#define GROUP_RETENTION "Retention"
#define KEY_MAX_AGENTS "MaxAgents"

#define DEFAULT_KEEP_USEC (30 * G_TIME_SPAN_DAY)
#define DEFAULT_KEEP_BYTES (5ull << 30)
#define DEFAULT_IDLE_EXIT_USEC (60 * G_USEC_PER_SEC)

/* An agent for each GiB of memory: they wait for the network most of the time, so they run out of
 * memory first. */
static guint default_max_agents(void)
{
    guint64 bytes = (guint64)sysconf(_SC_PHYS_PAGES) * (guint64)sysconf(_SC_PAGESIZE);
    return (guint)CLAMP(bytes >> 30, 4, 64);
}

static gboolean parse_max_agents(const char *text, Settings *settings)
{
    guint64 value;
    if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT, &value, NULL))
        return FALSE;
    settings->max_agents = (guint)value;
    return TRUE;
}

static gboolean parse_keep_for(const char *text, Settings *settings)
{
    return parse_span(text, &settings->keep_usec);
}

static gboolean parse_keep_size(const char *text, Settings *settings)
{
    return parse_size(text, &settings->keep_bytes);
}

static gboolean parse_idle_exit(const char *text, Settings *settings)
{
    return parse_span(text, &settings->idle_exit_usec);
}

static gboolean parse_memory_pressure(const char *text, Settings *settings)
{
    char *end;
    if (g_str_equal(text, "off")) {
        settings->memory_pressure = 0;
        return TRUE;
    }
    double value = g_ascii_strtod(text, &end);
    if (end == text || !g_str_equal(end, "%") || !(value > 0 && value <= 100))
        return FALSE;
    settings->memory_pressure = value;
    return TRUE;
}

static const struct {
    const char *group, *key;
    gboolean (*parse)(const char *text, Settings *settings);
} known[] = {
    {GROUP_POOL, KEY_MAX_AGENTS, parse_max_agents},
    {GROUP_POOL, "IdleExit", parse_idle_exit},
    {GROUP_POOL, "MemoryPressure", parse_memory_pressure},
    {GROUP_RETENTION, "KeepFor", parse_keep_for},
    {GROUP_RETENTION, "KeepSize", parse_keep_size},
};

static void take_key(GKeyFile *file, const char *path, const char *group, const char *key,
                     Settings *settings)
{
    g_autofree char *text = g_key_file_get_string(file, group, key, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!g_str_equal(known[i].group, group) || !g_str_equal(known[i].key, key))
            continue;
        if (!text || !known[i].parse(g_strstrip(text), settings))
            g_warning("%s: [%s] %s=%s is not valid: see storkitd(8)", path, group, key, text);
        return;
    }
    g_warning("%s: [%s] %s is unknown: see storkitd(8)", path, group, key);
}

static void load_file(const char *path, Settings *settings)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize length;
    if (!file_read(AT_FDCWD, path, FILE_MAX, &text, &length, &error) ||
        !g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, &error)) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            g_warning("%s: %s", path, error->message);
        return;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    for (char **group = groups; *group; group++) {
        g_auto(GStrv) keys = g_key_file_get_keys(file, *group, NULL, NULL);
        for (char **key = keys; key && *key; key++)
            take_key(file, path, *group, *key, settings);
    }
}

static char *state_path(void)
{
    return g_build_filename(g_get_user_state_dir(), "storkit", "settings", NULL);
}

void settings_load(Settings *ret_settings)
{
    g_autofree char *config =
        g_build_filename(g_get_user_config_dir(), "storkit", "storkitd.conf", NULL);
    g_autofree char *state = state_path();
    *ret_settings = (Settings){
        .max_agents = default_max_agents(),
        .keep_usec = DEFAULT_KEEP_USEC,
        .keep_bytes = DEFAULT_KEEP_BYTES,
        .idle_exit_usec = DEFAULT_IDLE_EXIT_USEC,
    };
    load_file(config, ret_settings);
    load_file(state, ret_settings);
}

gboolean settings_save_max_agents(guint max_agents, GError **error)
{
    g_autofree char *path = state_path();
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_mkdir_with_parents(folder, 0700);
    g_key_file_set_uint64(file, GROUP_POOL, KEY_MAX_AGENTS, max_agents);
    return g_key_file_save_to_file(file, path, error);
}
