/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/entry-row.h"

#include <glib/gi18n.h>

struct _MonitorEntryRow {
    AdwBin parent;
    GtkLabel *clock;
    MonitorParagraph *text, *details;
    GtkButton *fold;
    MonitorEntry *entry;
};

#define BRIEF_MAX 160

G_DEFINE_FINAL_TYPE(MonitorEntryRow, monitor_entry_row, ADW_TYPE_BIN)

static const char *const styles[] = {
    [ENTRY_TEXT] = "entry-text",       [ENTRY_TOOL] = "entry-tool", [ENTRY_STATUS] = "entry-status",
    [ENTRY_WARNING] = "entry-warning", [ENTRY_GOOD] = "entry-good", [ENTRY_BAD] = "entry-bad",
};

static void show_details(MonitorEntryRow *self)
{
    gboolean open = self->entry && monitor_entry_get_open(self->entry);
    g_autofree char *details = open ? monitor_entry_dup_details(self->entry) : g_strdup("");
    monitor_paragraph_set_text(self->details, details);
    gtk_widget_set_visible(GTK_WIDGET(self->details), open);
    gtk_button_set_icon_name(self->fold, open ? "pan-down-symbolic" : "pan-end-symbolic");
    gtk_accessible_update_state(GTK_ACCESSIBLE(self->fold), GTK_ACCESSIBLE_STATE_EXPANDED, open,
                                -1);
}

static void on_open(MonitorEntryRow *self)
{
    show_details(self);
}

static void on_fold(MonitorEntryRow *self)
{
    if (self->entry)
        monitor_entry_set_open(self->entry, !monitor_entry_get_open(self->entry));
}

static void forget_entry(MonitorEntryRow *self)
{
    if (!self->entry)
        return;
    g_signal_handlers_disconnect_by_data(self->entry, self);
    gtk_widget_remove_css_class(GTK_WIDGET(self), styles[monitor_entry_get_kind(self->entry)]);
    g_clear_object(&self->entry);
}

void monitor_entry_row_set_entry(MonitorEntryRow *self, MonitorEntry *entry)
{
    forget_entry(self);
    if (!entry)
        return;
    g_autofree char *clock = monitor_entry_dup_clock(entry);
    self->entry = g_object_ref(entry);
    g_signal_connect_swapped(entry, "notify::open", G_CALLBACK(on_open), self);
    gtk_widget_add_css_class(GTK_WIDGET(self), styles[monitor_entry_get_kind(entry)]);
    gtk_label_set_text(self->clock, clock);
    monitor_paragraph_set_text(self->text, monitor_entry_get_text(entry));
    gtk_widget_set_visible(GTK_WIDGET(self->fold), monitor_entry_has_details(entry));
    show_details(self);
}

void monitor_entry_row_show_brief(MonitorParagraph *line, MonitorEntry *entry)
{
    const char *text = monitor_entry_get_text(entry);
    const char *const classes[] = {"entry-words", styles[monitor_entry_get_kind(entry)], NULL};
    g_autofree char *clock = monitor_entry_dup_clock(entry);
    g_autofree char *cut =
        g_utf8_strlen(text, -1) > BRIEF_MAX ? g_utf8_substring(text, 0, BRIEF_MAX) : NULL;
    g_autofree char *whole = g_strdup_printf("%s  %s", clock, cut ?: text);
    gtk_widget_set_css_classes(GTK_WIDGET(line), (const char **)classes);
    monitor_paragraph_set_text(line, whole);
}

static void monitor_entry_row_dispose(GObject *object)
{
    forget_entry(MONITOR_ENTRY_ROW(object));
    G_OBJECT_CLASS(monitor_entry_row_parent_class)->dispose(object);
}

static void monitor_entry_row_class_init(MonitorEntryRowClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->dispose = monitor_entry_row_dispose;
    g_type_ensure(MONITOR_TYPE_PARAGRAPH);
    gtk_widget_class_set_template_from_resource(widget, "/org/storkit/Monitor/entry-row.ui");
    gtk_widget_class_bind_template_child(widget, MonitorEntryRow, clock);
    gtk_widget_class_bind_template_child(widget, MonitorEntryRow, text);
    gtk_widget_class_bind_template_child(widget, MonitorEntryRow, details);
    gtk_widget_class_bind_template_child(widget, MonitorEntryRow, fold);
    gtk_widget_class_bind_template_callback(widget, on_fold);
}

static void monitor_entry_row_init(MonitorEntryRow *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}

GtkWidget *monitor_entry_row_new(void)
{
    return g_object_new(MONITOR_TYPE_ENTRY_ROW, NULL);
}
