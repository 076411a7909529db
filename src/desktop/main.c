/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#include "desktop/awake.h"
#include "desktop/herald.h"
#include "desktop/info.h"
#include "desktop/names.h"
#include "desktop/pool.h"
#include "desktop/search.h"

/*
 * storkit-desktop: tells the person what becomes of the runs, keeps the machine awake for them, and
 * lets the desktop's search find them. A client of org.storkit.AgentPool like any other.
 */

typedef struct {
    GMainLoop *loop;
    Herald *herald;
    Awake *awake;
    DesktopPool *pool;
    int status;
} Desktop;

static void on_changed(const char *run_id, GVariant *before, GVariant *after, gpointer data)
{
    Desktop *desktop = data;

    herald_hear(desktop->herald, run_id, after);
}

static void on_looked(gpointer data)
{
    Desktop *desktop = data;
    guint64 now = (guint64)g_get_real_time();
    GHashTableIter iter;
    gpointer info;
    guint n = 0;

    g_hash_table_iter_init(&iter, desktop_pool_runs(desktop->pool));
    while (g_hash_table_iter_next(&iter, NULL, &info))
        n += info_is_at_work(info, now);
    awake_set_busy(desktop->awake, n);
}

static void on_sleeps(guint n, gpointer data)
{
    Desktop *desktop = data;
    g_autofree char *body =
        g_strdup_printf("%u agent%s at work, and %s lose network connections. `storkitctl freeze` "
                        "pauses agents.",
                        n, n == 1 ? " is" : "s are", n == 1 ? "it talks" : "they talk");

    herald_tell(desktop->herald, "The machine is going to sleep", body);
}

static gboolean on_terminate(gpointer data)
{
    Desktop *desktop = data;

    g_main_loop_quit(desktop->loop);
    return G_SOURCE_CONTINUE;
}

static void on_lost(GDBusConnection *bus, const char *name, gpointer data)
{
    Desktop *desktop = data;

    g_printerr("storkit-desktop: %s is taken: another instance is running\n", name);
    desktop->status = EXIT_FAILURE;
    g_main_loop_quit(desktop->loop);
}

static int run(GDBusConnection *bus)
{
    static const DesktopPoolListener listener = {.changed = on_changed, .looked = on_looked};
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    Desktop desktop = {.loop = loop, .status = EXIT_SUCCESS};

    g_unix_signal_add(SIGTERM, on_terminate, &desktop);
    g_unix_signal_add(SIGINT, on_terminate, &desktop);
    desktop.herald = herald_new(bus);
    desktop.awake = awake_new(on_sleeps, &desktop);
    desktop.pool = desktop_pool_new(bus, &listener, &desktop);
    search_gnome_export(bus, desktop.pool);
    search_krunner_export(bus, desktop.pool);
    guint name = g_bus_own_name_on_connection(bus, DESKTOP_BUS_NAME, G_BUS_NAME_OWNER_FLAGS_NONE,
                                              NULL, on_lost, &desktop, NULL);
    g_main_loop_run(loop);
    g_bus_unown_name(name);
    desktop_pool_free(desktop.pool);
    awake_free(desktop.awake);
    herald_free(desktop.herald);
    return desktop.status;
}

static gboolean parse_options(int *argc, char ***argv, GError **error)
{
    gboolean version = FALSE;
    const GOptionEntry entries[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version and exit", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- notify of coding agents");

    g_option_context_set_summary(context,
                                 "Owns org.storkit.Desktop on the session bus. It starts with the "
                                 "graphical\nsession; see storkit-desktop(8).");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (*argc > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "this program takes no arguments");
        return FALSE;
    }
    if (version) {
        g_print("storkit-desktop %s\n", STORKIT_VERSION);
        exit(EXIT_SUCCESS);
    }
    return TRUE;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    setlocale(LC_ALL, "");
    g_set_prgname("storkit-desktop");
    if (!parse_options(&argc, &argv, &error)) {
        g_printerr("storkit-desktop: %s\n", error->message);
        return 2;
    }
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &error);
    if (!bus) {
        g_printerr("storkit-desktop: cannot connect to the session bus: %s\n", error->message);
        return EXIT_FAILURE;
    }
    return run(bus);
}
