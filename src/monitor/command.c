/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/command.h"

#include <string.h>

#include "desktop/programs.h"
#include "monitor/far-run.h"

#define PREFIX "storkitctl: "

static char *message_of(GBytes *output)
{
    gsize length;
    const char *bytes = g_bytes_get_data(output, &length);
    g_autofree char *text = bytes ? g_utf8_make_valid(bytes, (gssize)length) : g_strdup("");
    g_strstrip(text);
    return g_strdup(g_str_has_prefix(text, PREFIX) ? text + strlen(PREFIX) : text);
}

static void on_done(GObject *process, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GBytes) output = NULL, problems = NULL;
    GError *error = NULL;
    if (!g_subprocess_communicate_finish(G_SUBPROCESS(process), result, &output, &problems,
                                         &error)) {
        g_subprocess_send_signal(G_SUBPROCESS(process), SIGTERM);
        g_task_return_error(task, error);
        return;
    }
    if (g_subprocess_get_successful(G_SUBPROCESS(process))) {
        g_task_return_pointer(task, g_steal_pointer(&output), (GDestroyNotify)g_bytes_unref);
        return;
    }
    g_autofree char *message = message_of(problems);
    g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", message);
}

/* No program that the repository's configuration names runs because somebody looks. */
static GSubprocessLauncher *make_launcher(void)
{
    GSubprocessLauncher *launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_subprocess_launcher_setenv(launcher, "GIT_CONFIG_COUNT", "1", TRUE);
    g_subprocess_launcher_setenv(launcher, "GIT_CONFIG_KEY_0", "core.fsmonitor", TRUE);
    g_subprocess_launcher_setenv(launcher, "GIT_CONFIG_VALUE_0", "false", TRUE);
    g_subprocess_launcher_setenv(launcher, "NO_COLOR", "1", TRUE);
    return launcher;
}

char **command_words(StorkitRun *run, const char *const *arguments)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    const char *host = far_run_get_host(run);
    g_strv_builder_add(builder, program_storkitctl());
    if (host)
        g_strv_builder_add_many(builder, "-H", host, NULL);
    g_strv_builder_add_many(builder, "-C", storkit_run_get_project_root(run), NULL);
    g_strv_builder_addv(builder, (const char **)arguments);
    return g_strv_builder_end(builder);
}

void command_run_async(StorkitRun *run, const char *const *arguments, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, data);
    g_autoptr(GSubprocessLauncher) launcher = make_launcher();
    g_auto(GStrv) argv = command_words(run, arguments);
    GError *error = NULL;
    g_autoptr(GSubprocess) process =
        g_subprocess_launcher_spawnv(launcher, (const char *const *)argv, &error);
    if (!process) {
        g_task_return_error(task, error);
        return;
    }
    g_subprocess_communicate_async(process, NULL, cancellable, on_done, g_steal_pointer(&task));
}

GBytes *command_run_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}
