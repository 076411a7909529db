/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/terminal-page.h"

#include <glib/gi18n.h>
#ifdef HAVE_VTE
#include <vte/vte.h>
#endif

#include "desktop/terminal.h"
#include "monitor/command.h"
#include "monitor/far-run.h"
#include "monitor/report.h"
#include "monitor/run-text.h"

struct _MonitorTerminalPage {
    AdwBin parent;
    GtkWidget *invitation, *button;
    StorkitRun *run;
};

G_DEFINE_FINAL_TYPE(MonitorTerminalPage, monitor_terminal_page, ADW_TYPE_BIN)

/* `storkitctl -C ROOT attach STORY/AGENT`, which redraws, resizes and attaches again by itself.
 * Caller: g_strfreev(). */
static char **attach_command(StorkitRun *run)
{
    g_autofree char *name =
        g_strdup_printf("%s/%s", storkit_run_get_story_id(run), storkit_run_get_agent_name(run));
    return command_words(run, (const char *const[]){"attach", name, NULL});
}

/* The project's folder may be there alone where the run is. */
static const char *folder_of(StorkitRun *run)
{
    return far_run_get_host(run) ? g_get_home_dir() : storkit_run_get_project_root(run);
}

static void show_invitation(MonitorTerminalPage *self)
{
    adw_bin_set_child(ADW_BIN(self), self->invitation);
    gtk_widget_set_sensitive(self->button, self->run && run_is_live(self->run));
}

#ifdef HAVE_VTE
static void on_exited(MonitorTerminalPage *self, int status)
{
    show_invitation(self);
}

static void on_spawned(VteTerminal *terminal, GPid pid, GError *error, gpointer data)
{
    if (error)
        report_error(data, error);
}

static void open_terminal(MonitorTerminalPage *self, char **command)
{
    GtkWidget *terminal = vte_terminal_new();
    gtk_accessible_update_property(GTK_ACCESSIBLE(terminal), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   _("The agent's terminal"), -1);
    gtk_widget_set_vexpand(terminal, TRUE);
    g_signal_connect_object(terminal, "child-exited", G_CALLBACK(on_exited), self,
                            G_CONNECT_SWAPPED);
    adw_bin_set_child(ADW_BIN(self), terminal);
    vte_terminal_spawn_async(VTE_TERMINAL(terminal), VTE_PTY_DEFAULT, folder_of(self->run), command,
                             NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, -1, NULL, on_spawned,
                             self);
    gtk_widget_grab_focus(terminal);
}
#else
static void open_terminal(MonitorTerminalPage *self, char **command)
{
    g_autoptr(GError) error = NULL;
    GDBusConnection *bus = g_application_get_dbus_connection(g_application_get_default());
    if (!desktop_terminal_open(bus, folder_of(self->run), (const char *const *)command, NULL,
                               &error))
        report_error(GTK_WIDGET(self), error);
}
#endif

void monitor_terminal_page_attach(MonitorTerminalPage *self)
{
    if (!self->run || adw_bin_get_child(ADW_BIN(self)) != self->invitation)
        return;
    g_auto(GStrv) command = attach_command(self->run);
    open_terminal(self, command);
}

static void on_status(MonitorTerminalPage *self)
{
    gtk_widget_set_sensitive(self->button, run_is_live(self->run));
}

static void forget_run(MonitorTerminalPage *self)
{
    if (self->run)
        g_signal_handlers_disconnect_by_data(self->run, self);
    g_clear_object(&self->run);
}

void monitor_terminal_page_set_run(MonitorTerminalPage *self, StorkitRun *run)
{
    forget_run(self);
    if (run) {
        self->run = g_object_ref(run);
        g_signal_connect_swapped(run, "notify::status", G_CALLBACK(on_status), self);
    }
    show_invitation(self); /* a terminal that was here goes, and detaches so */
}

static void monitor_terminal_page_dispose(GObject *object)
{
    MonitorTerminalPage *self = MONITOR_TERMINAL_PAGE(object);
    forget_run(self);
    adw_bin_set_child(ADW_BIN(self), NULL);
    g_clear_object(&self->invitation);
    G_OBJECT_CLASS(monitor_terminal_page_parent_class)->dispose(object);
}

static void monitor_terminal_page_class_init(MonitorTerminalPageClass *class)
{
    G_OBJECT_CLASS(class)->dispose = monitor_terminal_page_dispose;
}

static void monitor_terminal_page_init(MonitorTerminalPage *self)
{
    self->invitation = g_object_ref_sink(adw_status_page_new());
    self->button = gtk_button_new_with_mnemonic(_("_Attach"));
    adw_status_page_set_icon_name(ADW_STATUS_PAGE(self->invitation), "utilities-terminal-symbolic");
    adw_status_page_set_title(ADW_STATUS_PAGE(self->invitation), _("The Agent's Terminal"));
    adw_status_page_set_description(ADW_STATUS_PAGE(self->invitation),
                                    _("What you type there goes to the agent."));
    adw_status_page_set_child(ADW_STATUS_PAGE(self->invitation), self->button);
    gtk_widget_add_css_class(self->button, "pill");
    gtk_widget_set_halign(self->button, GTK_ALIGN_CENTER);
    g_signal_connect_swapped(self->button, "clicked", G_CALLBACK(monitor_terminal_page_attach),
                             self);
    show_invitation(self);
}
