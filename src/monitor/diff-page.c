/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/diff-page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "ctl/text.h"
#include "monitor/command.h"

/* A text view lays out all of its lines when it is scrolled. */
#define DIFF_MAX ((gsize)2 * 1024 * 1024)

struct _MonitorDiffPage {
    AdwBin parent;
    GtkStack *stack;
    GtkTextView *view;
    AdwStatusPage *nothing;
    StorkitRun *run;
    GCancellable *asking;
};

G_DEFINE_FINAL_TYPE(MonitorDiffPage, monitor_diff_page, ADW_TYPE_BIN)

typedef enum { CONTEXT, ADDED, DELETED, HUNK, FILE_NAME } LineKind;

/* Readable on light and on dark. */
static const struct {
    const char *name, *light, *dark;
    gboolean bold;
} colours[] = {
    [CONTEXT] = {"context", NULL, NULL, FALSE},
    [ADDED] = {"added", "#1b7340", "#8ff0a4", FALSE},
    [DELETED] = {"deleted", "#b0121e", "#ff938c", FALSE},
    [HUNK] = {"hunk", "#1a5fb4", "#99c1f1", FALSE},
    [FILE_NAME] = {"file", NULL, NULL, TRUE},
};

static void set_colours(MonitorDiffPage *self)
{
    GtkTextTagTable *table = gtk_text_buffer_get_tag_table(gtk_text_view_get_buffer(self->view));
    gboolean dark = adw_style_manager_get_dark(adw_style_manager_get_default());
    for (gsize i = 0; i < G_N_ELEMENTS(colours); i++) {
        GtkTextTag *tag = gtk_text_tag_table_lookup(table, colours[i].name);
        if (colours[i].light)
            g_object_set(tag, "foreground", dark ? colours[i].dark : colours[i].light, NULL);
    }
}

static void add_tags(MonitorDiffPage *self)
{
    GtkTextBuffer *buffer = gtk_text_view_get_buffer(self->view);
    for (gsize i = 0; i < G_N_ELEMENTS(colours); i++)
        gtk_text_buffer_create_tag(buffer, colours[i].name, "weight",
                                   colours[i].bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL, NULL);
}

/* --- Lines --- */

/* Whether @line is between `diff --git` and the first hunk: "+++" is no added line there. */
static LineKind kind_of(const char *line, gboolean *in_header)
{
    if (g_str_has_prefix(line, "diff --git ")) {
        *in_header = TRUE;
        return FILE_NAME;
    }
    if (g_str_has_prefix(line, "@@")) {
        *in_header = FALSE;
        return HUNK;
    }
    if (*in_header)
        return FILE_NAME;
    return *line == '+' ? ADDED : *line == '-' ? DELETED : CONTEXT;
}

static void insert(GtkTextBuffer *buffer, const char *text, LineKind kind)
{
    GtkTextIter end;
    gtk_text_buffer_get_end_iter(buffer, &end);
    gtk_text_buffer_insert_with_tags_by_name(buffer, &end, text, -1, colours[kind].name, NULL);
}

static void show_lines(MonitorDiffPage *self, const char *text)
{
    GtkTextBuffer *buffer = gtk_text_view_get_buffer(self->view);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gboolean in_header = FALSE;
    gtk_text_buffer_set_text(buffer, "", 0);
    for (gsize i = 0; lines[i]; i++) {
        insert(buffer, lines[i], kind_of(lines[i], &in_header));
        insert(buffer, "\n", CONTEXT);
    }
}

static void show_nothing(MonitorDiffPage *self, const char *title, const char *description)
{
    g_autofree char *escaped = description ? g_markup_escape_text(description, -1) : NULL;
    adw_status_page_set_title(self->nothing, title);
    adw_status_page_set_description(self->nothing, escaped);
    gtk_stack_set_visible_child_name(self->stack, "nothing");
}

static void show_diff(MonitorDiffPage *self, GBytes *output)
{
    gsize length = 0;
    const char *bytes = output ? g_bytes_get_data(output, &length) : NULL;
    if (length == 0) {
        show_nothing(self, _("No Changes"), _("The story has changed nothing yet."));
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(bytes, (gssize)MIN(length, DIFF_MAX));
    g_autofree char *clean = text_clean(valid, TRUE);
    show_lines(self, clean);
    if (length > DIFF_MAX)
        insert(gtk_text_view_get_buffer(self->view),
               _("… and more, which `storkitctl diff` has.\n"), HUNK);
    gtk_stack_set_visible_child_name(self->stack, "diff");
}

/* --- Asking --- */

static void on_diff(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorDiffPage) self = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) output = command_run_finish(result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    if (error)
        show_nothing(self, _("No Changes to Show"), error->message);
    else
        show_diff(self, output);
}

static void stop_asking(MonitorDiffPage *self)
{
    g_cancellable_cancel(self->asking);
    g_clear_object(&self->asking);
}

void monitor_diff_page_reload(MonitorDiffPage *self)
{
    if (!self->run || !gtk_widget_get_mapped(GTK_WIDGET(self)))
        return;
    const char *const arguments[] = {"--no-pager",
                                     "diff",
                                     storkit_run_get_story_id(self->run),
                                     "--",
                                     "--no-ext-diff",
                                     "--no-textconv",
                                     "--no-color",
                                     NULL};
    stop_asking(self);
    self->asking = g_cancellable_new();
    command_run_async(self->run, arguments, self->asking, on_diff, g_object_ref(self));
}

void monitor_diff_page_set_run(MonitorDiffPage *self, StorkitRun *run)
{
    stop_asking(self);
    g_set_object(&self->run, run);
    gtk_stack_set_visible_child_name(self->stack, "empty");
    monitor_diff_page_reload(self);
}

static void monitor_diff_page_map(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(monitor_diff_page_parent_class)->map(widget);
    monitor_diff_page_reload(MONITOR_DIFF_PAGE(widget));
}

static void monitor_diff_page_dispose(GObject *object)
{
    MonitorDiffPage *self = MONITOR_DIFF_PAGE(object);
    stop_asking(self);
    g_clear_object(&self->run);
    G_OBJECT_CLASS(monitor_diff_page_parent_class)->dispose(object);
}

static void monitor_diff_page_class_init(MonitorDiffPageClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->dispose = monitor_diff_page_dispose;
    widget->map = monitor_diff_page_map;
    gtk_widget_class_set_template_from_resource(widget, "/org/storkit/Monitor/diff-page.ui");
    gtk_widget_class_bind_template_child(widget, MonitorDiffPage, stack);
    gtk_widget_class_bind_template_child(widget, MonitorDiffPage, view);
    gtk_widget_class_bind_template_child(widget, MonitorDiffPage, nothing);
}

static void monitor_diff_page_init(MonitorDiffPage *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
    add_tags(self);
    set_colours(self);
    g_signal_connect_object(adw_style_manager_get_default(), "notify::dark",
                            G_CALLBACK(set_colours), self, G_CONNECT_SWAPPED);
}
