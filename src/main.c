/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/bus-names.h"
#include "base/open-files.h"
#include "base/program.h"
#include "base/sigbus.h"
#include "host/cell-home.h"
#include "service.h"

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

static const Program program = {
    .name = "storkitd",
    .version = STORKIT_VERSION,
    .purpose = "- run coding agents for a user",
    .summary = "Owns " STORKIT_BUS_NAME " on the session bus, which starts it on\n"
               "demand. Use storkitctl(1) to talk to it.",
};

int main(int argc, char **argv)
{
    g_log_set_writer_func(write_log, NULL, NULL);
    int status = program_begin(&program, &argc, &argv);
    if (status >= 0)
        return status;
    signal(SIGPIPE, SIG_IGN);
    cell_home_begin();
    sigbus_init();
    open_files_raise();

    g_autoptr(GError) error = NULL;
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
    status = service_get_exit_status(service);
    /* A worker may still be at a teardown or a checkout: it is not waited for without end, or the
     * bus is gone. What it works on must not be freed, so the process ends as it is. The places of
     * all sinks are kept in files, and what was half done is what the next service undoes. */
    if (!service_close(service))
        _exit(status);
    return status;
}
