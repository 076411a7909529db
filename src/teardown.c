/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teardown.h"

#include <signal.h>
#include <string.h>

#include <gio/gio.h>

#include "error.h"

/* Tests have no time to wait: their own is in the environment. */
#define LIMIT_MSEC 120000
#define LIMIT_VARIABLE "STORKIT_TEARDOWN_MSEC"

#define TAIL_BYTES 600

typedef struct {
    GMainLoop *loop;
    GSubprocess *process;
    char *output;
    GError *error;
    gboolean timed_out;
} Command;

static guint limit_msec(void)
{
    const char *text = g_getenv(LIMIT_VARIABLE);
    return text ? (guint)g_ascii_strtoull(text, NULL, 10) : LIMIT_MSEC;
}

static void on_finished(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Command *command = user_data;
    g_subprocess_communicate_utf8_finish(command->process, result, &command->output, NULL,
                                         &command->error);
    g_main_loop_quit(command->loop);
}

static gboolean on_limit(gpointer user_data)
{
    Command *command = user_data;
    const char *pid = g_subprocess_get_identifier(command->process);
    command->timed_out = TRUE;
    if (pid)
        kill(-(pid_t)g_ascii_strtoll(pid, NULL, 10), SIGKILL);
    return G_SOURCE_REMOVE;
}

static void own_group(gpointer unused)
{
    setpgid(0, 0);
}

static GSubprocess *spawn(const char *folder, const char *text, char *const *environment,
                          GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
    g_subprocess_launcher_set_cwd(launcher, folder);
    g_subprocess_launcher_set_environ(launcher, (char **)environment);
    g_subprocess_launcher_set_child_setup(launcher, own_group, NULL, NULL);
    return g_subprocess_launcher_spawn(launcher, error, "/bin/sh", "-c", text, NULL);
}

static char *describe_end(const Command *command)
{
    if (command->timed_out)
        return g_strdup_printf("it did not end in %.3g s", limit_msec() / 1000.0);
    if (g_subprocess_get_if_exited(command->process))
        return g_strdup_printf("exit status %d", g_subprocess_get_exit_status(command->process));
    return g_strdup_printf("killed by signal %d", g_subprocess_get_term_sig(command->process));
}

static void explain(GError **error, const char *text, const Command *command)
{
    const char *output = command->output ? g_strchomp(command->output) : "";
    gsize length = strlen(output);
    const char *tail = length > TAIL_BYTES ? output + length - TAIL_BYTES : output;
    while (((guchar)*tail & 0xc0) == 0x80)
        tail++;
    g_autofree char *status = describe_end(command);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED,
                "teardown command `%s` failed: %s (force removes the worktree all the same)%s%s",
                text, status, *tail ? "; its last lines:\n" : "", tail);
}

/* With a loop of its own, since this is a worker thread: a time limit, and output without a
 * deadlock. */
static gboolean run_command(const char *folder, const char *text, char *const *environment,
                            GError **error)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(GMainLoop) loop = g_main_loop_new(context, FALSE);
    g_autoptr(GSource) limit = g_timeout_source_new(limit_msec());
    Command command = {.loop = loop};

    g_main_context_push_thread_default(context);
    command.process = spawn(folder, text, environment, error);
    gboolean fine = command.process != NULL;
    if (fine) {
        g_source_set_callback(limit, on_limit, &command, NULL);
        g_source_attach(limit, context);
        g_subprocess_communicate_utf8_async(command.process, NULL, NULL, on_finished, &command);
        g_main_loop_run(loop);
        g_source_destroy(limit);
        g_subprocess_wait(command.process, NULL, NULL);
        fine = g_subprocess_get_successful(command.process);
        if (!fine)
            explain(error, text, &command);
    }
    g_main_context_pop_thread_default(context);
    g_clear_object(&command.process);
    g_clear_error(&command.error);
    g_free(command.output);
    return fine;
}

gboolean teardown_run(const ProjectConfig *config, const char *path, char *const *environment,
                      GError **error)
{
    for (guint i = 0; i < config->components->len; i++) {
        const ComponentConfig *component = g_ptr_array_index(config->components, i);
        g_autofree char *folder = g_build_filename(path, component->path, NULL);
        for (char **command = component->teardown; *command; command++)
            if (!run_command(folder, *command, environment, error))
                return FALSE;
    }
    return TRUE;
}
