/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>

#include "service.h"
#include "base/open-files.h"
#include "base/sigbus.h"

static gboolean on_terminate(gpointer user_data)
{
    Service **service = user_data;
    service_stop(*service);
    return G_SOURCE_CONTINUE;
}

/* With an identifier, so that `journalctl -t storkitd` shows these without the agents' events,
 * which this process writes, too. */
static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields, gsize n,
                                  gpointer data)
{
    g_autofree GLogField *all = g_new(GLogField, n + 1);
    memcpy(all, fields, n * sizeof *fields);
    all[n] = (GLogField){"SYSLOG_IDENTIFIER", "storkitd", -1};
    return g_log_writer_default(level, all, n + 1, data);
}

static gboolean parse_options(int *argc, char ***argv, GError **error)
{
    gboolean version = FALSE;
    const GOptionEntry entries[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version and exit", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- run coding agents for a user");
    g_option_context_set_summary(
        context, "Owns org.storkit.AgentPool on the session bus, which starts it on\n"
                 "demand. Use storkitctl(1) to talk to it.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (*argc > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "this program takes no arguments");
        return FALSE;
    }
    if (version) {
        g_print("storkitd %s\n", STORKIT_VERSION);
        exit(EXIT_SUCCESS);
    }
    return TRUE;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    setlocale(LC_ALL, "");
    g_set_prgname("storkitd");
    g_log_set_writer_func(write_log, NULL, NULL);
    if (!parse_options(&argc, &argv, &error)) {
        g_printerr("storkitd: %s\n", error->message);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    sigbus_init();
    open_files_raise();

    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(Service) service = NULL;
    /* First of all: a signal that comes while it is being made waits for the loop. */
    g_unix_signal_add(SIGTERM, on_terminate, &service);
    g_unix_signal_add(SIGINT, on_terminate, &service);
    service = service_new(loop, &error);
    if (!service) {
        g_printerr("storkitd: %s\n", error->message);
        return EXIT_FAILURE;
    }
    g_main_loop_run(loop);
    int status = service_get_exit_status(service);
    /* A worker may still be at a teardown or a checkout: it is not waited for for ever, or the bus
     * is gone. What it works on must not be freed, so the process ends as it is. The places of all
     * sinks are kept in files, and what was half done is what the next service undoes. */
    if (!service_close(service))
        _exit(status);
    return status;
}
