/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/application.h"

#include <glib/gi18n.h>
#include <storkit/storkit.h>

#include "monitor/names.h"
#include "monitor/window.h"

struct _MonitorApplication {
    AdwApplication parent;
    StorkitPool *pool;
    GCancellable *connecting;
};

G_DEFINE_FINAL_TYPE(MonitorApplication, monitor_application, ADW_TYPE_APPLICATION)

static MonitorWindow *window_of(MonitorApplication *self)
{
    GList *windows = gtk_application_get_windows(GTK_APPLICATION(self));
    for (; windows; windows = windows->next)
        if (MONITOR_IS_WINDOW(windows->data))
            return windows->data;
    return NULL;
}

/* --- The service --- */

static void on_pool(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorApplication) self = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(StorkitPool) pool = storkit_pool_new_finish(result, &error);
    MonitorWindow *window = window_of(self);
    g_clear_object(&self->connecting);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    if (window && pool)
        monitor_window_set_pool(window, pool);
    else if (window)
        monitor_window_set_problem(window, error->message);
    self->pool = g_steal_pointer(&pool);
}

static void connect_to_service(MonitorApplication *self)
{
    if (self->pool || self->connecting)
        return;
    self->connecting = g_cancellable_new();
    storkit_pool_new(STORKIT_POOL_FLAGS_NONE, self->connecting, on_pool, g_object_ref(self));
}

/* --- Actions --- */

static MonitorWindow *present(MonitorApplication *self)
{
    MonitorWindow *window = window_of(self);
    if (!window) {
        window = MONITOR_WINDOW(monitor_window_new(GTK_APPLICATION(self)));
        if (self->pool)
            monitor_window_set_pool(window, self->pool);
    }
    connect_to_service(self);
    gtk_window_present(GTK_WINDOW(window));
    return window;
}

static void on_show_run(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    monitor_window_show_run(present(data), g_variant_get_string(parameter, NULL));
}

static void on_new_run(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    monitor_window_start_run(present(data));
}

static void on_connect(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    connect_to_service(data);
}

static void on_quit(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    MonitorWindow *window = window_of(data);
    if (window)
        gtk_window_close(GTK_WINDOW(window));
}

static void on_about(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    adw_show_about_window(GTK_WINDOW(window_of(data)), "application-name", _("Storkit Monitor"),
                          "application-icon", "storkit", "version", STORKIT_VERSION,
                          "developer-name", _("The storkit authors"), "license-type",
                          GTK_LICENSE_LGPL_2_1, "website", "https://storkit.org", NULL);
}

/* --- Keys; help-overlay.ui has the same --- */

static const struct {
    const char *action, *keys[3];
} accelerators[] = {
    {"app.quit", {"<Control>q"}},         {"win.new-run", {"<Control>n"}},
    {"win.search", {"<Control>f"}},       {"win.write", {"<Control>m"}},
    {"win.back", {"<Alt>Left"}},          {"win.page::events", {"<Alt>1"}},
    {"win.page::changes", {"<Alt>2"}},    {"win.page::details", {"<Alt>3"}},
    {"win.page::terminal", {"<Alt>4"}},   {"run.stop", {"<Control><Shift>s"}},
    {"run.freeze", {"<Control>p"}},       {"run.resume", {"<Control>r"}},
    {"run.merge", {"<Control><Shift>m"}}, {"window.close", {"<Control>w"}},
};

static void set_keys(GtkApplication *application)
{
    for (gsize i = 0; i < G_N_ELEMENTS(accelerators); i++)
        gtk_application_set_accels_for_action(application, accelerators[i].action,
                                              (const char **)accelerators[i].keys);
}

/* --- The application --- */

static void monitor_application_activate(GApplication *application)
{
    present(MONITOR_APPLICATION(application));
}

static void monitor_application_startup(GApplication *application)
{
    G_APPLICATION_CLASS(monitor_application_parent_class)->startup(application);
    set_keys(GTK_APPLICATION(application));
}

static void monitor_application_dispose(GObject *object)
{
    MonitorApplication *self = MONITOR_APPLICATION(object);
    g_cancellable_cancel(self->connecting);
    g_clear_object(&self->connecting);
    g_clear_object(&self->pool);
    G_OBJECT_CLASS(monitor_application_parent_class)->dispose(object);
}

static void monitor_application_class_init(MonitorApplicationClass *class)
{
    G_OBJECT_CLASS(class)->dispose = monitor_application_dispose;
    G_APPLICATION_CLASS(class)->activate = monitor_application_activate;
    G_APPLICATION_CLASS(class)->startup = monitor_application_startup;
}

static void monitor_application_init(MonitorApplication *self)
{
    static const GActionEntry entries[] = {
        {.name = "show-run", .activate = on_show_run, .parameter_type = "s"},
        {.name = "new-run", .activate = on_new_run},
        {.name = "connect", .activate = on_connect},
        {.name = "quit", .activate = on_quit},
        {.name = "about", .activate = on_about},
    };
    g_action_map_add_action_entries(G_ACTION_MAP(self), entries, G_N_ELEMENTS(entries), self);
}

MonitorApplication *monitor_application_new(void)
{
    return g_object_new(MONITOR_TYPE_APPLICATION, "application-id", MONITOR_ID,
                        "resource-base-path", MONITOR_RESOURCES, NULL);
}
