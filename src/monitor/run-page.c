/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/run-page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "monitor/command.h"
#include "monitor/details-page.h"
#include "monitor/diff-page.h"
#include "monitor/events-page.h"
#include "monitor/far-run.h"
#include "monitor/question-bar.h"
#include "monitor/report.h"
#include "monitor/run-actions.h"
#include "monitor/run-text.h"
#include "monitor/terminal-page.h"

struct _MonitorRunPage {
    AdwBin parent;
    GtkStack *whole; /* "run", or "none" */
    GtkWidget *back, *send_bar;
    AdwViewSwitcherTitle *title;
    AdwViewStack *pages;
    GtkImage *icon;
    GtkLabel *name, *status, *totals;
    MonitorQuestionBar *questions;
    MonitorEventsPage *events;
    MonitorDiffPage *changes;
    MonitorDetailsPage *details;
    MonitorTerminalPage *terminal;
    GtkEntry *message;
    MonitorRunActions *actions;
    StorkitRun *run;
};

G_DEFINE_FINAL_TYPE(MonitorRunPage, monitor_run_page, ADW_TYPE_BIN)

/* --- The state of the run --- */

static void show_state(MonitorRunPage *self)
{
    g_autofree char *name = run_dup_name(self->run), *status = run_dup_status(self->run);
    g_autofree char *totals = run_dup_totals(self->run);
    const char *const classes[] = {run_style(self->run), NULL};
    gtk_image_set_from_icon_name(self->icon, run_icon(self->run));
    gtk_widget_set_css_classes(GTK_WIDGET(self->icon), (const char **)classes);
    gtk_label_set_text(self->name, name);
    gtk_label_set_text(self->status, status);
    gtk_label_set_text(self->totals, totals);
    gtk_widget_set_visible(GTK_WIDGET(self->totals), *totals != '\0');
    adw_view_switcher_title_set_title(self->title, storkit_run_get_story_id(self->run));
    gtk_widget_set_visible(self->send_bar,
                           storkit_run_get_status(self->run) == STORKIT_RUN_STATUS_RUNNING);
}

static void on_ended(MonitorRunPage *self)
{
    if (!run_is_live(self->run))
        monitor_diff_page_reload(self->changes);
}

/* --- Messages --- */

static void on_typed(GObject *run, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorRunPage) self = data;
    g_autoptr(GError) error = NULL;
    if (storkit_run_send_input_finish(STORKIT_RUN(run), result, &error))
        gtk_editable_set_text(GTK_EDITABLE(self->message), "");
    else
        report_error(GTK_WIDGET(self), error);
}

/* An agent that takes no messages has a terminal all the same. */
static void type(MonitorRunPage *self, StorkitRun *run)
{
    g_autofree char *line =
        g_strconcat(gtk_editable_get_text(GTK_EDITABLE(self->message)), "\r", NULL);
    g_autoptr(GBytes) bytes = g_bytes_new(line, strlen(line));
    storkit_run_send_input_async(run, bytes, NULL, on_typed, g_object_ref(self));
}

static void on_sent(GObject *run, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorRunPage) self = data;
    g_autoptr(GError) error = NULL;
    if (storkit_run_send_message_finish(STORKIT_RUN(run), result, &error))
        gtk_editable_set_text(GTK_EDITABLE(self->message), "");
    else if (g_error_matches(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT))
        type(self, STORKIT_RUN(run));
    else
        report_error(GTK_WIDGET(self), error);
}

static void on_sent_far(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorRunPage) self = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) output = command_run_finish(result, &error);
    if (error)
        report_error(GTK_WIDGET(self), error);
    else
        gtk_editable_set_text(GTK_EDITABLE(self->message), "");
}

static void send_far(MonitorRunPage *self, const char *text)
{
    const char *const arguments[] = {"send", storkit_run_get_run_id(self->run), "--", text, NULL};
    command_run_async(self->run, arguments, NULL, on_sent_far, g_object_ref(self));
}

static void on_send(MonitorRunPage *self)
{
    const char *text = gtk_editable_get_text(GTK_EDITABLE(self->message));
    if (far_run_get_host(self->run) && *text)
        send_far(self, text);
    else if (self->run && *text)
        storkit_run_send_message_async(self->run, text, NULL, on_sent, g_object_ref(self));
}

/* --- The page --- */

static void forget_run(MonitorRunPage *self)
{
    if (self->run)
        g_signal_handlers_disconnect_by_data(self->run, self);
    g_clear_object(&self->run);
}

static void set_run_of_parts(MonitorRunPage *self, StorkitPool *pool)
{
    monitor_run_actions_set_run(self->actions, pool, self->run);
    monitor_question_bar_set_run(self->questions, self->run);
    monitor_events_page_set_run(self->events, self->run);
    monitor_diff_page_set_run(self->changes, self->run);
    monitor_details_page_set_run(self->details, self->run);
    monitor_terminal_page_set_run(self->terminal, self->run);
}

void monitor_run_page_set_run(MonitorRunPage *self, StorkitPool *pool, StorkitRun *run)
{
    if (self->run == run)
        return;
    forget_run(self);
    if (run) {
        self->run = g_object_ref(run);
        g_signal_connect_swapped(run, "notify", G_CALLBACK(show_state), self);
        g_signal_connect_swapped(run, "notify::status", G_CALLBACK(on_ended), self);
        show_state(self);
    }
    gtk_editable_set_text(GTK_EDITABLE(self->message), "");
    gtk_stack_set_visible_child_name(self->whole, run ? "run" : "none");
    set_run_of_parts(self, pool);
}

StorkitRun *monitor_run_page_get_run(MonitorRunPage *self)
{
    return self->run;
}

GActionGroup *monitor_run_page_get_actions(MonitorRunPage *self)
{
    return monitor_run_actions_get_group(self->actions);
}

void monitor_run_page_set_narrow(MonitorRunPage *self, gboolean narrow)
{
    gtk_widget_set_visible(self->back, narrow);
}

void monitor_run_page_show(MonitorRunPage *self, const char *name)
{
    if (self->run)
        adw_view_stack_set_visible_child_name(self->pages, name);
}

void monitor_run_page_search(MonitorRunPage *self)
{
    monitor_run_page_show(self, "events");
    monitor_events_page_search(self->events);
}

void monitor_run_page_write(MonitorRunPage *self)
{
    gtk_widget_grab_focus(GTK_WIDGET(self->message));
}

static void monitor_run_page_dispose(GObject *object)
{
    MonitorRunPage *self = MONITOR_RUN_PAGE(object);
    forget_run(self);
    g_clear_object(&self->actions);
    G_OBJECT_CLASS(monitor_run_page_parent_class)->dispose(object);
}

static void ensure_types(void)
{
    g_type_ensure(MONITOR_TYPE_QUESTION_BAR);
    g_type_ensure(MONITOR_TYPE_EVENTS_PAGE);
    g_type_ensure(MONITOR_TYPE_DIFF_PAGE);
    g_type_ensure(MONITOR_TYPE_DETAILS_PAGE);
    g_type_ensure(MONITOR_TYPE_TERMINAL_PAGE);
}

static void monitor_run_page_class_init(MonitorRunPageClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->dispose = monitor_run_page_dispose;
    ensure_types();
    gtk_widget_class_set_template_from_resource(widget, "/org/storkit/Monitor/run-page.ui");
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, whole);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, back);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, send_bar);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, title);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, pages);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, icon);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, name);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, status);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, totals);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, questions);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, events);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, changes);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, details);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, terminal);
    gtk_widget_class_bind_template_child(widget, MonitorRunPage, message);
    gtk_widget_class_bind_template_callback(widget, on_send);
}

static void monitor_run_page_init(MonitorRunPage *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
    self->actions = monitor_run_actions_new(GTK_WIDGET(self));
}
