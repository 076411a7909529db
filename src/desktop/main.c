/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>

#include "base/program.h"
#include "desktop/awake.h"
#include "desktop/herald.h"
#include "desktop/hosts.h"
#include "desktop/info.h"
#include "desktop/names.h"
#include "desktop/pool.h"
#include "desktop/search.h"
#include "desktop/settings.h"

/*
 * storkit-desktop: notifies the user about runs, keeps the machine awake for them, and lets the
 * desktop's search find them. A client of org.storkit.AgentPool like any other.
 */

typedef struct {
    GMainLoop *loop;
    Herald *herald;
    Awake *awake;
    DesktopPool *pool;
    DesktopHosts *hosts;
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
    guint n = 0;
    GHashTableIter iter;
    gpointer info;
    g_hash_table_iter_init(&iter, desktop_pool_runs(desktop->pool));
    while (g_hash_table_iter_next(&iter, NULL, &info))
        n += info_is_at_work(info, now);
    awake_set_busy(desktop->awake, n);
    if (desktop->hosts)
        desktop_hosts_look(desktop->hosts);
}

/* This machine may be among its own hosts by another name: it knows better of its runs. */
static void on_far_changed(const char *run_id, GVariant *after, gpointer data)
{
    Desktop *desktop = data;
    if (!g_hash_table_contains(desktop_pool_runs(desktop->pool), run_id))
        herald_hear(desktop->herald, run_id, after);
}

static gboolean wants_hosts(void)
{
    return settings_get()->hosts;
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
    static const DesktopHostsListener far = {.changed = on_far_changed, .wanted = wants_hosts};
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    Desktop desktop = {.loop = loop, .status = EXIT_SUCCESS};
    g_unix_signal_add(SIGTERM, on_terminate, &desktop);
    g_unix_signal_add(SIGINT, on_terminate, &desktop);
    desktop.herald = herald_new(bus);
    desktop.awake = awake_new(on_sleeps, &desktop);
    desktop.pool = desktop_pool_new(bus, &listener, &desktop);
    desktop.hosts = desktop_hosts_new(&far, &desktop);
    search_gnome_export(bus, desktop.pool);
    search_krunner_export(bus, desktop.pool);
    guint name = g_bus_own_name_on_connection(bus, DESKTOP_BUS_NAME, G_BUS_NAME_OWNER_FLAGS_NONE,
                                              NULL, on_lost, &desktop, NULL);
    g_main_loop_run(loop);
    g_bus_unown_name(name);
    desktop_hosts_free(desktop.hosts);
    desktop_pool_free(desktop.pool);
    awake_free(desktop.awake);
    herald_free(desktop.herald);
    return desktop.status;
}

static const Program program = {
    .name = "storkit-desktop",
    .version = STORKIT_VERSION,
    .purpose = "- notify of coding agents",
    .summary = "Owns " DESKTOP_BUS_NAME " on the session bus. It starts with the graphical\n"
               "session; see storkit-desktop(8).",
};

int main(int argc, char **argv)
{
    int status = program_begin(&program, &argc, &argv);
    if (status >= 0)
        return status;
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &error);
    if (!bus) {
        g_printerr("storkit-desktop: cannot connect to the session bus: %s\n", error->message);
        return EXIT_FAILURE;
    }
    return run(bus);
}
