/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A client of the functions that gdbus-codegen makes: starts a run, types a line into its terminal
 * and prints its events, those of Subscribe and those that come as signals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gio/gunixfdlist.h>

#include "storkit.h"

static void check(GError *error)
{
    if (!error)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static void on_event(StorkitAgentPool *pool, const char *story, const char *agent, const char *type,
                     GVariant *data, GMainLoop *loop)
{
    guint64 cursor = 0;
    g_assert(g_variant_lookup(data, "cursor", "t", &cursor));
    printf("signal %s %s %s\n", story, agent, type);
    if (g_str_equal(type, "done"))
        g_main_loop_quit(loop);
}

static int subscribe(StorkitAgentPool *pool, const char *root, const char *story)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) descriptors = NULL;
    g_autoptr(GVariant) handle = NULL;
    storkit_agent_pool_call_subscribe_sync(pool, root, story, "", 0, NULL, &handle, &descriptors,
                                           NULL, &error);
    check(error);
    int fd = g_unix_fd_list_get(descriptors, g_variant_get_handle(handle), &error);
    check(error);
    return fd;
}

static void type_line(StorkitAgentPool *pool, const char *root, const char *story, const char *line)
{
    g_autoptr(GError) error = NULL;
    GVariant *bytes = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, line, strlen(line), 1);
    storkit_agent_pool_call_send_input_sync(pool, root, story, "", bytes, NULL, &error);
    check(error);
}

static void print_events(int fd)
{
    FILE *events = fdopen(fd, "r");
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, events) >= 0)
        printf("event %s", line);
    free(line);
    fclose(events);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(StorkitAgentPool) pool = storkit_agent_pool_proxy_new_for_bus_sync(
        G_BUS_TYPE_SESSION, G_DBUS_PROXY_FLAGS_NONE, "org.storkit.AgentPool",
        "/org/storkit/AgentPool", NULL, &error);
    check(error);
    g_signal_connect(pool, "agent-event", G_CALLBACK(on_event), loop);

    g_autoptr(GVariant) info = NULL;
    storkit_agent_pool_call_start_sync(pool, argv[1], argv[2], "", &info, NULL, &error);
    check(error);
    const char *status = NULL;
    g_assert(g_variant_lookup(info, "status", "&s", &status));
    printf("start %s\n", status);

    int fd = subscribe(pool, argv[1], argv[2]);
    type_line(pool, argv[1], argv[2], argv[3]);
    print_events(fd);
    g_main_loop_run(loop);
    return 0;
}
