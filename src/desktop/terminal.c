/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/terminal.h"

#include <gio/gdesktopappinfo.h>
#include <string.h>

#include "desktop/platform-data.h"
#include "desktop/settings.h"

#define INTENT "org.freedesktop.Terminal1"

/* The words between a terminal's name and a command. The desktops' own ones come first, then those
 * that people choose, then those that are there anyway. */
static const char *const usual[][4] = {
    {"ptyxis", "--new-window", "--"},
    {"kgx", "--"},
    {"gnome-terminal", "--"},
    {"konsole", "-e"},
    {"xfce4-terminal", "-x"},
    {"mate-terminal", "-x"},
    {"lxterminal", "-e"},
    {"ghostty", "-e"},
    {"foot"},
    {"kitty"},
    {"alacritty", "-e"},
    {"wezterm", "start", "--"},
    {"x-terminal-emulator", "-e"},
    {"urxvt", "-e"},
    {"xterm", "-e"},
};

static gboolean is_program(const char *name)
{
    g_autofree char *path = g_find_program_in_path(name);
    return path != NULL;
}

static void add_words(GPtrArray *to, const char *const *words)
{
    for (; *words; words++)
        g_ptr_array_add(to, g_strdup(*words));
}

/* A scope by the desktop's convention, so that it ends neither with us nor with a run. */
static void add_scope(GPtrArray *command, const char *terminal)
{
    g_autofree char *name = g_path_get_basename(terminal);
    g_autofree char *unit = NULL;
    if (!is_program("systemd-run"))
        return;
    g_strcanon(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.", '_');
    unit = g_strdup_printf("--unit=app-%s-%08x%08x.scope", name, g_random_int(), g_random_int());
    const char *const words[] = {"systemd-run",       "--user", "--scope", "--collect", "--quiet",
                                 "--slice=app.slice", unit,     "--",      NULL};
    add_words(command, words);
}

static gboolean spawn(const char *const *terminal, const char *folder, const char *const *argv,
                      const char *token, GError **error)
{
    g_autoptr(GPtrArray) command = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    add_scope(command, terminal[0]);
    add_words(command, terminal);
    add_words(command, argv);
    g_ptr_array_add(command, NULL);
    if (g_file_test(folder, G_FILE_TEST_IS_DIR))
        g_subprocess_launcher_set_cwd(launcher, folder);
    if (token) {
        g_subprocess_launcher_setenv(launcher, "XDG_ACTIVATION_TOKEN", token, TRUE);
        g_subprocess_launcher_setenv(launcher, "DESKTOP_STARTUP_ID", token, TRUE);
    }
    g_autoptr(GSubprocess) process =
        g_subprocess_launcher_spawnv(launcher, (const char *const *)command->pdata, error);
    return process != NULL;
}

/* --- The terminal intent --- */

/* The person's choice of a terminal, where the draft keeps it; NULL: none. */
static char *intent_choice(void)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *path = g_build_filename(g_get_user_config_dir(), "intentapps.list", NULL);
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL))
        return NULL;
    g_auto(GStrv) ids =
        g_key_file_get_string_list(file, "Default Applications", INTENT, NULL, NULL);
    return ids ? g_strdup(ids[0]) : NULL;
}

static void free_apps(GList *apps)
{
    g_list_free_full(apps, g_object_unref);
}

/* Its bus name: the id of its desktop file, which must be activatable by the bus. */
static char *intent_name(void)
{
    GList *apps = g_desktop_app_info_get_implementations(INTENT);
    g_autofree char *choice = intent_choice(), *id = NULL;
    for (GList *link = apps; link; link = link->next) {
        const char *this = g_app_info_get_id(link->data);
        if (!id || g_strcmp0(this, choice) == 0) {
            g_free(id);
            id = g_strdup(this);
        }
    }
    free_apps(apps);
    if (!id || !g_str_has_suffix(id, ".desktop"))
        return NULL;
    id[strlen(id) - strlen(".desktop")] = '\0';
    return g_dbus_is_name(id) ? g_steal_pointer(&id) : NULL;
}

/* An application's object is its name as a path. */
static char *object_of(const char *name)
{
    char *path = g_strconcat("/", name, NULL);
    return g_strdelimit(g_strdelimit(path, ".", '/'), "-", '_');
}

static GVariant *intent_command(const char *folder, const char *const *argv)
{
    g_auto(GVariantDict) command = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert_value(&command, "exec", g_variant_new_bytestring_array(argv, -1));
    g_variant_dict_insert_value(&command, "working_directory", g_variant_new_bytestring(folder));
    return g_variant_dict_end(&command);
}

static void on_launched(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
    if (error)
        g_warning("cannot open a terminal: %s", error->message);
}

static void launch_intent(GDBusConnection *bus, const char *name, const char *folder,
                          const char *const *argv, const char *token)
{
    g_autofree char *path = object_of(name);
    GVariant *command = intent_command(folder, argv);
    g_dbus_connection_call(bus, name, path, INTENT, "LaunchCommand",
                           g_variant_new("(@aa{sv}@ay@a{sv}@a{sv})",
                                         g_variant_new_array(NULL, &command, 1),
                                         g_variant_new_bytestring(""),
                                         g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0),
                                         platform_data_new(token)),
                           NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_launched, NULL);
}

/* --- Choosing --- */

static const char *const *find_usual(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(usual); i++)
        if (is_program(usual[i][0]))
            return usual[i];
    return NULL;
}

static gboolean open_chosen(const GPtrArray *words, const char *folder, const char *const *argv,
                            const char *token, GError **error)
{
    g_autoptr(GPtrArray) terminal = g_ptr_array_new();
    for (guint i = 0; i < words->len; i++)
        g_ptr_array_add(terminal, words->pdata[i]);
    g_ptr_array_add(terminal, NULL);
    return spawn((const char *const *)terminal->pdata, folder, argv, token, error);
}

gboolean desktop_terminal_open(GDBusConnection *bus, const char *folder, const char *const *argv,
                               const char *token, GError **error)
{
    static const char *const xdg[] = {"xdg-terminal-exec", NULL};
    const GPtrArray *chosen = settings_get()->terminal;
    if (chosen->len > 0)
        return open_chosen(chosen, folder, argv, token, error);
    if (is_program(xdg[0]))
        return spawn(xdg, folder, argv, token, error);
    g_autofree char *name = intent_name();
    if (name) {
        launch_intent(bus, name, folder, argv, token);
        return TRUE;
    }
    const char *const *terminal = find_usual();
    if (terminal)
        return spawn(terminal, folder, argv, token, error);
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                        "no known terminal is installed: install xdg-terminal-exec, or name one as "
                        "`command` under [terminal] in ~/.config/storkit/desktop.toml");
    return FALSE;
}
