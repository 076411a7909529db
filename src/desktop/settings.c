/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/settings.h"

#include <glib/gstdio.h>
#include <string.h>

static void settings_clear(DesktopSettings *settings)
{
    g_clear_pointer(&settings->projects, g_ptr_array_unref);
    g_clear_pointer(&settings->terminal, g_ptr_array_unref);
}

static void settings_init(DesktopSettings *settings)
{
    settings_clear(settings);
    for (gsize i = 0; i < G_N_ELEMENTS(settings->kinds); i++)
        settings->kinds[i] = TRUE;
    settings->sound = TRUE;
    settings->awake = AWAKE_ALWAYS;
    settings->hosts = TRUE;
    settings->projects = g_ptr_array_new_with_free_func(g_free);
    settings->terminal = g_ptr_array_new_with_free_func(g_free);
}

static void settings_load(DesktopSettings *settings, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize length;
    settings_init(settings);
    if (!g_file_get_contents(path, &text, &length, &error)) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            g_warning("%s; using the defaults", error->message);
        return;
    }
    if (settings_toml_read(text, length, path, settings, &error))
        return;
    g_warning("%s; using the defaults", error->message);
    settings_init(settings);
}

/* An editor that saves makes another file of it, or another time or size. */
static gboolean is_same_file(const GStatBuf *a, const GStatBuf *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0;
}

const DesktopSettings *settings_get(void)
{
    static DesktopSettings settings;
    static GStatBuf loaded;
    g_autofree char *path =
        g_build_filename(g_get_user_config_dir(), "storkit", "desktop.toml", NULL);
    GStatBuf now = {0};
    (void)g_stat(path, &now);
    if (settings.projects && is_same_file(&now, &loaded))
        return &settings;
    loaded = now;
    settings_load(&settings, path);
    return &settings;
}

/* A project's folder, or one above it; "~" is the person's home. */
static gboolean is_within(const char *root, const char *folder)
{
    g_autofree char *full = folder[0] == '~' && (folder[1] == '/' || !folder[1])
                                ? g_strconcat(g_get_home_dir(), folder + 1, NULL)
                                : g_strdup(folder);
    gsize length = strlen(full);
    while (length > 1 && full[length - 1] == '/')
        full[--length] = '\0';
    return g_str_has_prefix(root, full) && (root[length] == '\0' || root[length] == '/');
}

gboolean settings_want(const DesktopSettings *settings, NoticeKind kind, const char *root)
{
    if (!settings->kinds[kind])
        return FALSE;
    for (guint i = 0; i < settings->projects->len; i++)
        if (is_within(root, settings->projects->pdata[i]))
            return TRUE;
    return settings->projects->len == 0;
}
