/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/run-row.h"

#include <glib/gi18n.h>

#include "ctl/format.h"
#include "monitor/run-text.h"

struct _MonitorRunRow {
    AdwBin parent;
    GtkImage *icon;
    GtkLabel *title, *subtitle, *cost;
    gpointer item; /* a StorkitRun or a MonitorProject */
};

G_DEFINE_FINAL_TYPE(MonitorRunRow, monitor_run_row, ADW_TYPE_BIN)

static void set_icon(MonitorRunRow *self, const char *icon, const char *style)
{
    const char *const classes[] = {style, NULL};
    gtk_image_set_from_icon_name(self->icon, icon);
    gtk_widget_set_css_classes(GTK_WIDGET(self->icon), (const char **)classes);
}

/* What a screen reader says of the row as a whole. */
static void set_spoken(MonitorRunRow *self, const char *name, const char *more)
{
    g_autofree char *text = g_strdup_printf("%s, %s", name, more);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
}

static void show_run(MonitorRunRow *self)
{
    StorkitRun *run = self->item;
    g_autofree char *status = run_dup_status(run);
    g_autofree char *subtitle = g_strdup_printf("%s · %s", storkit_run_get_agent_name(run), status);
    double usd = storkit_run_get_cost_usd(run);
    g_autofree char *cost = usd > 0 ? format_cost(usd) : g_strdup("");
    set_icon(self, run_icon(run), run_style(run));
    gtk_label_set_text(self->title, storkit_run_get_story_id(run));
    gtk_label_set_text(self->subtitle, subtitle);
    gtk_label_set_text(self->cost, cost);
    gtk_widget_set_tooltip_text(GTK_WIDGET(self), status);
    set_spoken(self, storkit_run_get_story_id(run), subtitle);
}

static void show_project(MonitorRunRow *self)
{
    const char *root = monitor_project_get_root(self->item);
    const char *host = monitor_project_get_host(self->item);
    g_autofree char *base = g_path_get_basename(root);
    /* Translators: a project, and the machine that it is on. */
    g_autofree char *name = host ? g_strdup_printf(_("%s on %s"), base, host) : g_strdup(base);
    gtk_label_set_text(self->title, name);
    gtk_widget_set_tooltip_text(GTK_WIDGET(self), root);
    set_spoken(self, name, root);
}

static void forget_item(MonitorRunRow *self)
{
    if (self->item)
        g_signal_handlers_disconnect_by_data(self->item, self);
    g_clear_object(&self->item);
}

void monitor_run_row_set_item(MonitorRunRow *self, gpointer item)
{
    gboolean is_run = STORKIT_IS_RUN(item);
    forget_item(self);
    if (!item)
        return;
    self->item = g_object_ref(item);
    gtk_widget_set_visible(GTK_WIDGET(self->icon), is_run);
    gtk_widget_set_visible(GTK_WIDGET(self->subtitle), is_run);
    gtk_widget_set_visible(GTK_WIDGET(self->cost), is_run);
    if (!is_run) {
        gtk_widget_add_css_class(GTK_WIDGET(self->title), "heading");
        show_project(self);
        return;
    }
    gtk_widget_remove_css_class(GTK_WIDGET(self->title), "heading");
    g_signal_connect_swapped(item, "notify", G_CALLBACK(show_run), self);
    show_run(self);
}

static void monitor_run_row_dispose(GObject *object)
{
    forget_item(MONITOR_RUN_ROW(object));
    G_OBJECT_CLASS(monitor_run_row_parent_class)->dispose(object);
}

static void monitor_run_row_class_init(MonitorRunRowClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->dispose = monitor_run_row_dispose;
    gtk_widget_class_set_template_from_resource(widget, "/org/storkit/Monitor/run-row.ui");
    gtk_widget_class_bind_template_child(widget, MonitorRunRow, icon);
    gtk_widget_class_bind_template_child(widget, MonitorRunRow, title);
    gtk_widget_class_bind_template_child(widget, MonitorRunRow, subtitle);
    gtk_widget_class_bind_template_child(widget, MonitorRunRow, cost);
}

static void monitor_run_row_init(MonitorRunRow *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}

GtkWidget *monitor_run_row_new(void)
{
    return g_object_new(MONITOR_TYPE_RUN_ROW, NULL);
}
