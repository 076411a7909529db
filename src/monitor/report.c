/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/report.h"

#include <gio/gio.h>
#include <glib/gi18n.h>

/* A toast for a line; what takes several is read in a dialog. */
#define TOAST_MAX 60

static AdwToastOverlay *overlay_of(GtkWidget *widget)
{
    GtkWidget *overlay = gtk_widget_get_ancestor(widget, ADW_TYPE_TOAST_OVERLAY);
    return overlay ? ADW_TOAST_OVERLAY(overlay) : NULL;
}

void report_done(GtkWidget *widget, const char *text)
{
    AdwToastOverlay *overlay = overlay_of(widget);
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    if (overlay)
        adw_toast_overlay_add_toast(overlay, adw_toast_new(escaped));
}

static void show_dialog(GtkWidget *widget, const char *text)
{
    GtkRoot *root = gtk_widget_get_root(widget);
    GtkWidget *dialog =
        adw_message_dialog_new(root ? GTK_WINDOW(root) : NULL, _("That did not work"), text);
    adw_message_dialog_add_response(ADW_MESSAGE_DIALOG(dialog), "close", _("_Close"));
    gtk_window_present(GTK_WINDOW(dialog));
}

void report_error(GtkWidget *widget, const GError *error)
{
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    if (g_utf8_strlen(error->message, -1) <= TOAST_MAX && overlay_of(widget))
        report_done(widget, error->message);
    else
        show_dialog(widget, error->message);
}
