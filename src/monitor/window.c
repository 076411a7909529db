/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/window.h"

#include <glib/gi18n.h>

#include "monitor/far-run.h"
#include "monitor/far-runs.h"
#include "monitor/followed.h"
#include "monitor/names.h"
#include "monitor/project.h"
#include "monitor/run-page.h"
#include "monitor/run-row.h"
#include "monitor/start-dialog.h"

struct _MonitorWindow {
    AdwApplicationWindow parent;
    AdwLeaflet *leaflet;
    GtkWidget *sidebar;
    GtkStack *stack; /* "waiting", "problem", "empty" or "runs" */
    AdwStatusPage *problem;
    GtkListView *list;
    GtkWidget *away;
    GtkLabel *hosts; /* those that do not answer */
    MonitorRunPage *page;
    StorkitPool *pool;
    FarRuns *far; /* NULL as long as there is no pool */
    GtkTreeListModel *tree;
    GtkSingleSelection *selection;
    GSettings *settings; /* NULL: not installed */
    char *wanted;        /* a run that is to be shown once it is there */
    guint followed;      /* its name on the bus */
};

G_DEFINE_FINAL_TYPE(MonitorWindow, monitor_window, ADW_TYPE_APPLICATION_WINDOW)

/* --- The run that is shown --- */

static void announce(MonitorWindow *self)
{
    GApplication *application = G_APPLICATION(gtk_window_get_application(GTK_WINDOW(self)));
    GDBusConnection *bus = application ? g_application_get_dbus_connection(application) : NULL;
    StorkitRun *run = self->page ? monitor_run_page_get_run(self->page) : NULL;
    g_clear_handle_id(&self->followed, g_bus_unown_name);
    if (bus && run && gtk_window_is_active(GTK_WINDOW(self)))
        self->followed = followed_announce(bus, run);
}

static void show_run(MonitorWindow *self, StorkitRun *run)
{
    monitor_run_page_set_run(self->page, self->pool, run);
    if (self->settings)
        g_settings_set_string(self->settings, "run", storkit_run_get_run_id(run));
    announce(self);
}

static void go_to_page(MonitorWindow *self)
{
    adw_leaflet_set_visible_child(self->leaflet, GTK_WIDGET(self->page));
}

/* The StorkitRun or MonitorProject at @position, or NULL. Caller: g_object_unref(). */
static gpointer item_at(MonitorWindow *self, guint position)
{
    g_autoptr(GtkTreeListRow) row = g_list_model_get_item(G_LIST_MODEL(self->tree), position);
    return row ? gtk_tree_list_row_get_item(row) : NULL;
}

/* Its row may go (a run that was stopped leaves the list): it is shown all the same. */
static void on_selected(MonitorWindow *self)
{
    guint position = gtk_single_selection_get_selected(self->selection);
    g_autoptr(GObject) item = item_at(self, position);
    if (STORKIT_IS_RUN(item))
        show_run(self, STORKIT_RUN(item));
}

static void on_activate(MonitorWindow *self, guint position)
{
    g_autoptr(GtkTreeListRow) row = g_list_model_get_item(G_LIST_MODEL(self->tree), position);
    if (gtk_tree_list_row_is_expandable(row))
        gtk_tree_list_row_set_expanded(row, !gtk_tree_list_row_get_expanded(row));
    else
        go_to_page(self);
}

static gboolean select_run(MonitorWindow *self, const char *run_id)
{
    for (guint i = 0; i < g_list_model_get_n_items(G_LIST_MODEL(self->tree)); i++) {
        g_autoptr(GObject) item = item_at(self, i);
        if (!STORKIT_IS_RUN(item) ||
            g_strcmp0(storkit_run_get_run_id(STORKIT_RUN(item)), run_id) != 0)
            continue;
        gtk_single_selection_set_selected(self->selection, i);
        return TRUE;
    }
    return FALSE;
}

void monitor_window_show_run(MonitorWindow *self, const char *run_id)
{
    g_autofree char *wanted = g_strdup(run_id);
    g_clear_pointer(&self->wanted, g_free);
    if (self->pool && select_run(self, wanted))
        go_to_page(self);
    else
        self->wanted = g_steal_pointer(&wanted);
}

/* --- The list --- */

static void on_setup(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
    GtkWidget *expander = gtk_tree_expander_new();
    gtk_tree_expander_set_child(GTK_TREE_EXPANDER(expander), monitor_run_row_new());
    gtk_list_item_set_child(item, expander);
}

static void on_bind(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
    GtkTreeExpander *expander = GTK_TREE_EXPANDER(gtk_list_item_get_child(item));
    GtkTreeListRow *row = gtk_list_item_get_item(item);
    g_autoptr(GObject) shown = gtk_tree_list_row_get_item(row);
    gtk_tree_expander_set_indent_for_icon(expander, !STORKIT_IS_RUN(shown));
    gtk_tree_expander_set_list_row(expander, row);
    monitor_run_row_set_item(MONITOR_RUN_ROW(gtk_tree_expander_get_child(expander)), shown);
}

static void on_unbind(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
    GtkTreeExpander *expander = GTK_TREE_EXPANDER(gtk_list_item_get_child(item));
    gtk_tree_expander_set_list_row(expander, NULL);
    monitor_run_row_set_item(MONITOR_RUN_ROW(gtk_tree_expander_get_child(expander)), NULL);
}

static GListModel *runs_of(gpointer item, gpointer data)
{
    return MONITOR_IS_PROJECT(item) ? g_object_ref(monitor_project_get_runs(item)) : NULL;
}

static void show_list(MonitorWindow *self)
{
    gboolean empty = g_list_model_get_n_items(G_LIST_MODEL(self->tree)) == 0;
    gtk_stack_set_visible_child_name(self->stack, empty ? "empty" : "runs");
}

static void on_list_changed(MonitorWindow *self)
{
    show_list(self);
    if (self->wanted)
        monitor_window_show_run(self, self->wanted);
}

static void on_available(MonitorWindow *self)
{
    gtk_widget_set_visible(self->away, !storkit_pool_get_available(self->pool));
}

static void show_last_run(MonitorWindow *self)
{
    g_autofree char *run = self->settings ? g_settings_get_string(self->settings, "run") : NULL;
    if (self->wanted)
        monitor_window_show_run(self, self->wanted);
    else if (run && *run)
        (void)select_run(self, run);
}

static void on_problems(const char *problems, gpointer data)
{
    MonitorWindow *self = data;
    gtk_label_set_text(self->hosts, problems);
    gtk_widget_set_visible(GTK_WIDGET(self->hosts), *problems != '\0');
}

static void make_list(MonitorWindow *self)
{
    GListStore *projects = monitor_projects_new(self->pool);
    self->far = far_runs_new(projects, on_problems, self);
    self->tree = gtk_tree_list_model_new(G_LIST_MODEL(projects), FALSE, TRUE, runs_of, NULL, NULL);
}

void monitor_window_set_pool(MonitorWindow *self, StorkitPool *pool)
{
    self->pool = g_object_ref(pool);
    make_list(self);
    self->selection = gtk_single_selection_new(g_object_ref(G_LIST_MODEL(self->tree)));
    gtk_single_selection_set_autoselect(self->selection, FALSE);
    gtk_single_selection_set_can_unselect(self->selection, TRUE);
    gtk_single_selection_set_selected(self->selection, GTK_INVALID_LIST_POSITION);
    g_signal_connect_swapped(self->selection, "notify::selected", G_CALLBACK(on_selected), self);
    g_signal_connect_object(self->tree, "items-changed", G_CALLBACK(on_list_changed), self,
                            G_CONNECT_SWAPPED | G_CONNECT_AFTER);
    g_signal_connect_object(pool, "notify::available", G_CALLBACK(on_available), self,
                            G_CONNECT_SWAPPED);
    gtk_list_view_set_model(self->list, GTK_SELECTION_MODEL(self->selection));
    show_list(self);
    show_last_run(self);
}

void monitor_window_set_problem(MonitorWindow *self, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    adw_status_page_set_description(self->problem, escaped);
    gtk_stack_set_visible_child_name(self->stack, "problem");
}

/* --- Actions --- */

static void on_show_run(GtkWidget *widget, const char *name, GVariant *parameter)
{
    monitor_window_show_run(MONITOR_WINDOW(widget), g_variant_get_string(parameter, NULL));
}

void monitor_window_start_run(MonitorWindow *self)
{
    StorkitRun *run = monitor_run_page_get_run(self->page);
    gboolean here = run && !far_run_get_host(run);
    if (!self->pool)
        return;
    gtk_window_present(GTK_WINDOW(monitor_start_dialog_new(
        GTK_WINDOW(self), self->pool, here ? storkit_run_get_project_root(run) : NULL)));
}

static void on_new_run(GtkWidget *widget, const char *name, GVariant *parameter)
{
    monitor_window_start_run(MONITOR_WINDOW(widget));
}

static void on_back(GtkWidget *widget, const char *name, GVariant *parameter)
{
    MonitorWindow *self = MONITOR_WINDOW(widget);
    adw_leaflet_set_visible_child(self->leaflet, self->sidebar);
    gtk_widget_grab_focus(GTK_WIDGET(self->list));
}

static void on_search(GtkWidget *widget, const char *name, GVariant *parameter)
{
    monitor_run_page_search(MONITOR_WINDOW(widget)->page);
}

static void on_write(GtkWidget *widget, const char *name, GVariant *parameter)
{
    monitor_run_page_write(MONITOR_WINDOW(widget)->page);
}

static void on_attach(GtkWidget *widget, const char *name, GVariant *parameter)
{
    monitor_run_page_show(MONITOR_WINDOW(widget)->page, "terminal");
}

static void on_page(GtkWidget *widget, const char *name, GVariant *parameter)
{
    monitor_run_page_show(MONITOR_WINDOW(widget)->page, g_variant_get_string(parameter, NULL));
}

/* --- The window --- */

static void on_folded(MonitorWindow *self)
{
    monitor_run_page_set_narrow(self->page, adw_leaflet_get_folded(self->leaflet));
}

/* What is not installed (a build that is run where it is) is not kept. */
static GSettings *open_settings(void)
{
    GSettingsSchemaSource *source = g_settings_schema_source_get_default();
    g_autoptr(GSettingsSchema) schema =
        source ? g_settings_schema_source_lookup(source, MONITOR_ID, TRUE) : NULL;
    return schema ? g_settings_new(MONITOR_ID) : NULL;
}

static void restore_size(MonitorWindow *self)
{
    const GSettingsBindFlags flags = G_SETTINGS_BIND_DEFAULT;
    if (!self->settings)
        return;
    g_settings_bind(self->settings, "width", self, "default-width", flags);
    g_settings_bind(self->settings, "height", self, "default-height", flags);
    g_settings_bind(self->settings, "maximized", self, "maximized", flags);
}

static void monitor_window_dispose(GObject *object)
{
    MonitorWindow *self = MONITOR_WINDOW(object);
    g_clear_handle_id(&self->followed, g_bus_unown_name);
    if (self->selection)
        g_signal_handlers_disconnect_by_data(self->selection, self);
    g_clear_pointer(&self->far, far_runs_free);
    g_clear_object(&self->selection);
    g_clear_object(&self->tree);
    g_clear_object(&self->pool);
    g_clear_object(&self->settings);
    g_clear_pointer(&self->wanted, g_free);
    self->page = NULL;
    G_OBJECT_CLASS(monitor_window_parent_class)->dispose(object);
}

static void install_actions(GtkWidgetClass *widget)
{
    gtk_widget_class_install_action(widget, "win.show-run", "s", on_show_run);
    gtk_widget_class_install_action(widget, "win.new-run", NULL, on_new_run);
    gtk_widget_class_install_action(widget, "win.back", NULL, on_back);
    gtk_widget_class_install_action(widget, "win.search", NULL, on_search);
    gtk_widget_class_install_action(widget, "win.write", NULL, on_write);
    gtk_widget_class_install_action(widget, "win.attach", NULL, on_attach);
    gtk_widget_class_install_action(widget, "win.page", "s", on_page);
}

static void monitor_window_class_init(MonitorWindowClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->dispose = monitor_window_dispose;
    g_type_ensure(MONITOR_TYPE_RUN_PAGE);
    install_actions(widget);
    gtk_widget_class_set_template_from_resource(widget, MONITOR_RESOURCES "/window.ui");
    gtk_widget_class_bind_template_child(widget, MonitorWindow, leaflet);
    gtk_widget_class_bind_template_child(widget, MonitorWindow, sidebar);
    gtk_widget_class_bind_template_child(widget, MonitorWindow, stack);
    gtk_widget_class_bind_template_child(widget, MonitorWindow, problem);
    gtk_widget_class_bind_template_child(widget, MonitorWindow, list);
    gtk_widget_class_bind_template_child(widget, MonitorWindow, away);
    gtk_widget_class_bind_template_child(widget, MonitorWindow, hosts);
    gtk_widget_class_bind_template_child(widget, MonitorWindow, page);
    gtk_widget_class_bind_template_callback(widget, on_activate);
    gtk_widget_class_bind_template_callback(widget, on_folded);
    gtk_widget_class_bind_template_callback(widget, announce);
}

static void monitor_window_init(MonitorWindow *self)
{
    g_autoptr(GtkListItemFactory) factory = gtk_signal_list_item_factory_new();
    gtk_widget_init_template(GTK_WIDGET(self));
    g_signal_connect(factory, "setup", G_CALLBACK(on_setup), NULL);
    g_signal_connect(factory, "bind", G_CALLBACK(on_bind), NULL);
    g_signal_connect(factory, "unbind", G_CALLBACK(on_unbind), NULL);
    gtk_list_view_set_factory(self->list, factory);
    gtk_widget_insert_action_group(GTK_WIDGET(self), "run",
                                   monitor_run_page_get_actions(self->page));
    self->settings = open_settings();
    restore_size(self);
}

GtkWidget *monitor_window_new(GtkApplication *application)
{
    return g_object_new(MONITOR_TYPE_WINDOW, "application", application, NULL);
}
