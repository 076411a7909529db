/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/start-dialog.h"

#include <glib/gi18n.h>

#include "monitor/report.h"
#include "monitor/stories.h"

struct _MonitorStartDialog {
    AdwWindow parent;
    GtkWidget *form, *start;
    AdwEntryRow *project, *story, *prompt;
    AdwComboRow *agent;
    GtkMenuButton *known; /* stories */
    GtkLabel *problem;
    GtkStringList *names; /* of the agents */
    GPtrArray *roles;
    StorkitPool *pool;
    GCancellable *asking; /* for the project's roster and worktrees */
    guint timer;          /* until the project's name has been typed */
};

G_DEFINE_FINAL_TYPE(MonitorStartDialog, monitor_start_dialog, ADW_TYPE_WINDOW)

/* A roster is asked for when nobody has typed for so long. */
#define TYPED_MS 300

static const char *text_of(AdwEntryRow *row)
{
    return gtk_editable_get_text(GTK_EDITABLE(row));
}

static void show_problem(MonitorStartDialog *self, const char *text)
{
    gtk_label_set_text(self->problem, text ?: "");
    gtk_widget_set_visible(GTK_WIDGET(self->problem), text != NULL);
}

static void update_start(MonitorStartDialog *self)
{
    gtk_widget_set_sensitive(self->start, *text_of(self->project) && *text_of(self->story));
}

/* --- The roster --- */

static void clear_agents(MonitorStartDialog *self)
{
    gtk_string_list_splice(self->names, 0, g_list_model_get_n_items(G_LIST_MODEL(self->names)),
                           NULL);
    g_ptr_array_set_size(self->roles, 0);
}

static void add_agent(MonitorStartDialog *self, GVariant *agent)
{
    const char *name, *role = "";
    if (!g_variant_lookup(agent, "name", "&s", &name))
        return;
    (void)g_variant_lookup(agent, "role", "&s", &role);
    g_ptr_array_add(self->roles, g_strdup(role));
    gtk_string_list_append(self->names, name);
}

static void on_agent(MonitorStartDialog *self)
{
    guint index = adw_combo_row_get_selected(self->agent);
    const char *role = index < self->roles->len ? self->roles->pdata[index] : "";
    g_autofree char *escaped = g_markup_escape_text(role, -1);
    adw_action_row_set_subtitle(ADW_ACTION_ROW(self->agent), escaped);
}

static void on_config(GObject *pool, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorStartDialog) self = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) config = storkit_pool_get_config_finish(STORKIT_POOL(pool), result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    show_problem(self, error ? error->message : NULL);
    g_autoptr(GVariant) agents =
        config ? g_variant_lookup_value(config, "agents", G_VARIANT_TYPE("aa{sv}")) : NULL;
    for (gsize i = 0; agents && i < g_variant_n_children(agents); i++) {
        g_autoptr(GVariant) agent = g_variant_get_child_value(agents, i);
        add_agent(self, agent);
    }
    on_agent(self);
}

/* --- The stories --- */

/* A menu takes an underscore for a mnemonic. */
static char *escape_mnemonics(const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, "_", -1);
    return g_strjoinv("__", parts);
}

static void show_stories(MonitorStartDialog *self, GVariant *worktrees)
{
    g_auto(GStrv) names = stories_list(self->pool, text_of(self->project), worktrees);
    g_autoptr(GMenu) menu = g_menu_new();
    for (char **name = names; *name; name++) {
        g_autofree char *label = escape_mnemonics(*name);
        g_autoptr(GMenuItem) item = g_menu_item_new(label, NULL);
        g_menu_item_set_action_and_target(item, "form.story", "s", *name);
        g_menu_append_item(menu, item);
    }
    gtk_menu_button_set_menu_model(self->known, G_MENU_MODEL(menu));
    gtk_widget_set_visible(GTK_WIDGET(self->known), *names != NULL);
}

/* A project whose roster can't be read says so; this is beside it. */
static void on_worktrees(GObject *pool, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorStartDialog) self = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) worktrees =
        storkit_pool_list_worktrees_finish(STORKIT_POOL(pool), result, &error);
    if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        show_stories(self, worktrees);
}

static void on_story(GtkWidget *widget, const char *name, GVariant *story)
{
    MonitorStartDialog *self = MONITOR_START_DIALOG(widget);
    gtk_editable_set_text(GTK_EDITABLE(self->story), g_variant_get_string(story, NULL));
    gtk_widget_grab_focus(GTK_WIDGET(self->story));
}

/* --- The project --- */

static void stop_asking(MonitorStartDialog *self)
{
    g_clear_handle_id(&self->timer, g_source_remove);
    g_cancellable_cancel(self->asking);
    g_clear_object(&self->asking);
}

static gboolean ask(gpointer data)
{
    MonitorStartDialog *self = data;
    self->timer = 0;
    self->asking = g_cancellable_new();
    storkit_pool_get_config_async(self->pool, text_of(self->project), self->asking, on_config,
                                  g_object_ref(self));
    storkit_pool_list_worktrees_async(self->pool, text_of(self->project), self->asking,
                                      on_worktrees, g_object_ref(self));
    return G_SOURCE_REMOVE;
}

static void on_project(MonitorStartDialog *self)
{
    stop_asking(self);
    clear_agents(self);
    show_problem(self, NULL);
    gtk_widget_set_visible(GTK_WIDGET(self->known), FALSE);
    update_start(self);
    if (g_path_is_absolute(text_of(self->project)))
        self->timer = g_timeout_add(TYPED_MS, ask, self);
}

/* --- The folder --- */

static void on_folder(GtkNativeDialog *chooser, int response, gpointer data)
{
    MonitorStartDialog *self = data;
    g_autoptr(GFile) file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(chooser));
    g_autofree char *path = file ? g_file_get_path(file) : NULL;
    if (response == GTK_RESPONSE_ACCEPT && path)
        gtk_editable_set_text(GTK_EDITABLE(self->project), path);
    g_object_unref(chooser);
}

static void on_choose(MonitorStartDialog *self)
{
    GtkFileChooserNative *chooser = gtk_file_chooser_native_new(
        _("Project"), GTK_WINDOW(self), GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, NULL, NULL);
    g_signal_connect_object(chooser, "response", G_CALLBACK(on_folder), self, 0);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(chooser));
}

/* --- The start --- */

static void on_started(GObject *pool, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorStartDialog) self = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(StorkitRun) run = storkit_pool_start_finish(STORKIT_POOL(pool), result, &error);
    GtkWindow *parent = gtk_window_get_transient_for(GTK_WINDOW(self));
    gtk_widget_set_sensitive(self->form, TRUE);
    update_start(self);
    if (!run) {
        show_problem(self, error->message);
        return;
    }
    if (parent)
        gtk_widget_activate_action(GTK_WIDGET(parent), "win.show-run", "s",
                                   storkit_run_get_run_id(run));
    gtk_window_destroy(GTK_WINDOW(self));
}

static GVariant *options_of(MonitorStartDialog *self)
{
    GVariantDict options = G_VARIANT_DICT_INIT(NULL);
    if (*text_of(self->prompt))
        g_variant_dict_insert(&options, "prompt", "s", text_of(self->prompt));
    return g_variant_dict_end(&options);
}

static void on_start(MonitorStartDialog *self)
{
    GtkStringObject *agent = adw_combo_row_get_selected_item(self->agent);
    if (!gtk_widget_get_sensitive(self->start))
        return;
    show_problem(self, NULL);
    gtk_widget_set_sensitive(self->form, FALSE);
    gtk_widget_set_sensitive(self->start, FALSE);
    storkit_pool_start_async(self->pool, text_of(self->project), text_of(self->story),
                             agent ? gtk_string_object_get_string(agent) : NULL, options_of(self),
                             NULL, on_started, g_object_ref(self));
}

/* --- The object --- */

static void monitor_start_dialog_dispose(GObject *object)
{
    MonitorStartDialog *self = MONITOR_START_DIALOG(object);
    stop_asking(self);
    g_clear_object(&self->pool);
    g_clear_object(&self->names);
    G_OBJECT_CLASS(monitor_start_dialog_parent_class)->dispose(object);
}

static void monitor_start_dialog_finalize(GObject *object)
{
    g_ptr_array_unref(MONITOR_START_DIALOG(object)->roles);
    G_OBJECT_CLASS(monitor_start_dialog_parent_class)->finalize(object);
}

static void monitor_start_dialog_class_init(MonitorStartDialogClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->dispose = monitor_start_dialog_dispose;
    G_OBJECT_CLASS(class)->finalize = monitor_start_dialog_finalize;
    gtk_widget_class_set_template_from_resource(widget, "/org/storkit/Monitor/start-dialog.ui");
    gtk_widget_class_bind_template_child(widget, MonitorStartDialog, form);
    gtk_widget_class_bind_template_child(widget, MonitorStartDialog, start);
    gtk_widget_class_bind_template_child(widget, MonitorStartDialog, project);
    gtk_widget_class_bind_template_child(widget, MonitorStartDialog, story);
    gtk_widget_class_bind_template_child(widget, MonitorStartDialog, prompt);
    gtk_widget_class_bind_template_child(widget, MonitorStartDialog, agent);
    gtk_widget_class_bind_template_child(widget, MonitorStartDialog, known);
    gtk_widget_class_bind_template_child(widget, MonitorStartDialog, problem);
    gtk_widget_class_install_action(widget, "form.story", "s", on_story);
    gtk_widget_class_bind_template_callback(widget, on_project);
    gtk_widget_class_bind_template_callback(widget, on_choose);
    gtk_widget_class_bind_template_callback(widget, on_agent);
    gtk_widget_class_bind_template_callback(widget, on_start);
    gtk_widget_class_bind_template_callback(widget, update_start);
    gtk_widget_class_add_binding_action(widget, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void monitor_start_dialog_init(MonitorStartDialog *self)
{
    self->names = gtk_string_list_new(NULL);
    self->roles = g_ptr_array_new_with_free_func(g_free);
    gtk_widget_init_template(GTK_WIDGET(self));
    adw_combo_row_set_model(self->agent, G_LIST_MODEL(self->names));
}

/* That of the run which came last. */
static const char *last_project(StorkitPool *pool)
{
    guint n = g_list_model_get_n_items(G_LIST_MODEL(pool));
    g_autoptr(StorkitRun) run = n > 0 ? g_list_model_get_item(G_LIST_MODEL(pool), n - 1) : NULL;
    return run ? storkit_run_get_project_root(run) : NULL;
}

GtkWidget *monitor_start_dialog_new(GtkWindow *parent, StorkitPool *pool, const char *root)
{
    MonitorStartDialog *self =
        g_object_new(MONITOR_TYPE_START_DIALOG, "transient-for", parent, NULL);
    self->pool = g_object_ref(pool);
    gtk_editable_set_text(GTK_EDITABLE(self->project), root ?: last_project(pool) ?: "");
    gtk_widget_grab_focus(*text_of(self->project) ? GTK_WIDGET(self->story)
                                                  : GTK_WIDGET(self->project));
    return GTK_WIDGET(self);
}
