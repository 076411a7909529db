/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/monitor.h"

#include "desktop/platform-data.h"

#define MONITOR_BUS_NAME "org.storkit.Monitor"
#define MONITOR_PATH "/org/storkit/Monitor"
#define APPLICATION_INTERFACE "org.freedesktop.Application"

typedef struct {
    MonitorDone done;
    gpointer data;
} Opening;

/* Nobody has the name, and the bus knows nobody to start for it. */
static gboolean is_absence(const GError *error)
{
    return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER);
}

static void on_opened(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autofree Opening *opening = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
    if (error && is_absence(error)) {
        g_clear_error(&error);
        error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                                    "storkit-monitor is not installed");
    }
    opening->done(error, opening->data);
}

static GVariant *show_run(const char *run_id, const char *token)
{
    GVariant *parameter = g_variant_new_variant(g_variant_new_string(run_id));
    return g_variant_new("(s@av@a{sv})", "show-run", g_variant_new_array(NULL, &parameter, 1),
                         platform_data_new(token));
}

void desktop_monitor_open(GDBusConnection *bus, const char *run_id, const char *token,
                          MonitorDone done, gpointer data)
{
    Opening *opening = g_new(Opening, 1);
    *opening = (Opening){done, data};
    g_dbus_connection_call(bus, MONITOR_BUS_NAME, MONITOR_PATH, APPLICATION_INTERFACE,
                           run_id ? "ActivateAction" : "Activate",
                           run_id ? show_run(run_id, token)
                                  : g_variant_new("(@a{sv})", platform_data_new(token)),
                           NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_opened, opening);
}
