/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gi18n.h>
#include <locale.h>

#include "monitor/application.h"

/*
 * storkit-monitor: a window on the agents. A client of org.storkit.AgentPool like any other, by
 * libstorkit.
 */

static const GOptionEntry options[] = {
    {"version", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Print the version"), NULL},
    {NULL},
};

static int on_local_options(GApplication *application, GVariantDict *given, gpointer data)
{
    if (!g_variant_dict_contains(given, "version"))
        return -1;
    g_print("storkit-monitor %s\n", STORKIT_VERSION);
    return 0;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, g_getenv("STORKIT_MONITOR_LOCALES") ?: LOCALE_FOLDER);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
    g_autoptr(MonitorApplication) application = monitor_application_new();
    g_application_add_main_option_entries(G_APPLICATION(application), options);
    g_application_set_option_context_summary(
        G_APPLICATION(application), _("Shows coding agents at work; see storkit-monitor(1)."));
    g_signal_connect(application, "handle-local-options", G_CALLBACK(on_local_options), NULL);
    return g_application_run(G_APPLICATION(application), argc, argv);
}
