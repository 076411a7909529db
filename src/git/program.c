/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/program.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <gio/gio.h>

#include "base/test-hooks.h"
#include "git/places.h"

#define STDERR_LINES_SHOWN 5

/* For large files over a slow line. Tests have no time to wait: their own is in the environment. */
#define LIMIT_MSEC (10 * 60 * 1000)

/* Left in our environment by a hook or a terminal, these would point git elsewhere. */
static const char *const misleading[] = {
    "GIT_DIR",        "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX",     "GIT_ALTERNATE_OBJECT_DIRECTORIES",
};

static char **git_environment(const Repo *repo)
{
    char **environment = repo->environment ? g_strdupv(repo->environment) : g_get_environ();

    for (gsize i = 0; i < G_N_ELEMENTS(misleading); i++)
        environment = g_environ_unsetenv(environment, misleading[i]);
    /* There is nobody to answer: a server that wants a password must fail. */
    environment = g_environ_setenv(environment, "GIT_TERMINAL_PROMPT", "0", TRUE);
    environment = g_environ_setenv(environment, "GIT_ASKPASS", "true", TRUE);
    environment = g_environ_setenv(environment, "SSH_ASKPASS_REQUIRE", "never", TRUE);
    /* Looking at a tree must not take locks that the agent's own git may need. */
    return g_environ_setenv(environment, "GIT_OPTIONAL_LOCKS", "0", TRUE);
}

static char **git_arguments(const char *folder, const char *const *arguments)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    g_strv_builder_add_many(builder, "git", "-c", "core.hooksPath=/dev/null", "-c",
                            "core.fsmonitor=false", "-C", folder, NULL);
    for (; *arguments; arguments++)
        g_strv_builder_add(builder, *arguments);
    return g_strv_builder_end(builder);
}

/* The last lines of what git said, made one line of valid UTF-8. */
static char *last_lines(const char *text)
{
    g_autofree char *valid = g_strchomp(g_utf8_make_valid(text, -1));
    const char *start = valid + strlen(valid);
    g_auto(GStrv) lines_shown = NULL;

    for (guint lines = 0; start > valid; start--) {
        if (start[-1] == '\n' && ++lines == STDERR_LINES_SHOWN)
            break;
    }
    lines_shown = g_strsplit(start, "\n", -1);
    return g_strjoinv("; ", lines_shown);
}

static void set_start_error(const GError *cause, GError **error)
{
    if (g_error_matches(cause, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
        worktree_fail(error,
                      "this repository needs the git program (it has filters, submodules, a sparse "
                      "checkout, or is a partial or shallow clone), which is not on the PATH: "
                      "install git");
    else
        worktree_fail(error, "git could not be started: %s", cause->message);
}

static guint limit_msec(void)
{
    return test_msec("STORKIT_GIT_MSEC", LIMIT_MSEC);
}

/* --- One run of it --- */

typedef struct {
    GSubprocess *process;
    GMainLoop *loop;
    GCancellable *end; /* of the wait for its output */
    char *output, *said;
    gboolean timed_out;
    GError *error;
} Program;

static void program_clear(Program *program)
{
    g_clear_object(&program->process);
    g_clear_object(&program->end);
    g_clear_pointer(&program->loop, g_main_loop_unref);
    g_free(program->output);
    g_free(program->said);
    g_clear_error(&program->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Program, program_clear)

/* In the child: a session of its own, so that its filters go with it and ssh finds no terminal to
 * ask at, and an end with the thread that waits for it. */
static void detach(gpointer unused)
{
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static gboolean spawn(Program *program, const Repo *repo, char *const *argv, GError **error)
{
    g_auto(GStrv) environment = git_environment(repo);
    g_autoptr(GError) cause = NULL;
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE |
                                  G_SUBPROCESS_FLAGS_SEARCH_PATH_FROM_ENVP);

    g_subprocess_launcher_set_cwd(launcher, "/");
    g_subprocess_launcher_set_environ(launcher, environment);
    g_subprocess_launcher_set_child_setup(launcher, detach, NULL, NULL);
    program->process = g_subprocess_launcher_spawnv(launcher, (const char *const *)argv, &cause);
    if (!program->process)
        set_start_error(cause, error);
    return program->process != NULL;
}

static char *take_text(GBytes *bytes)
{
    gsize size = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;

    return g_strndup(data ? data : "", size);
}

static void on_finished(GObject *source, GAsyncResult *result, gpointer data)
{
    Program *program = data;
    g_autoptr(GBytes) output = NULL;
    g_autoptr(GBytes) said = NULL;

    g_subprocess_communicate_finish(program->process, result, &output, &said, &program->error);
    program->output = take_text(output);
    program->said = take_text(said);
    g_main_loop_quit(program->loop);
}

static gboolean on_limit(gpointer data)
{
    Program *program = data;

    program->timed_out = TRUE;
    g_cancellable_cancel(program->end);
    return G_SOURCE_REMOVE;
}

static gboolean on_cancelled(GCancellable *cancellable, gpointer data)
{
    Program *program = data;

    g_cancellable_cancel(program->end);
    return G_SOURCE_REMOVE;
}

static void kill_session(const Program *program)
{
    const char *pid = g_subprocess_get_identifier(program->process);

    if (pid)
        kill(-(pid_t)g_ascii_strtoll(pid, NULL, 10), SIGKILL);
}

/* Waits for the end of the program, or ends it: on a context of its own, since this is a worker
 * thread. */
static void wait_for(Program *program, const Repo *repo, GMainContext *context)
{
    g_autoptr(GSource) limit = g_timeout_source_new(limit_msec());
    g_autoptr(GSource) cancelled = g_cancellable_source_new(repo->cancellable);

    g_source_set_callback(limit, on_limit, program, NULL);
    g_source_attach(limit, context);
    g_source_set_callback(cancelled, G_SOURCE_FUNC(on_cancelled), program, NULL);
    g_source_attach(cancelled, context);
    g_subprocess_communicate_async(program->process, NULL, program->end, on_finished, program);
    g_main_loop_run(program->loop);
    g_source_destroy(limit);
    g_source_destroy(cancelled);
    if (program->error)
        kill_session(program);
    g_subprocess_wait(program->process, NULL, NULL);
}

static gboolean check_end(const Program *program, const char *folder, const char *command,
                          GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autofree char *end = NULL;

    if (program->timed_out) {
        worktree_fail(
            error,
            "`git %s` in %s did not end in %.3g s and was killed: see whether a filter of git's "
            "config, or the server that it asks, hangs",
            command, folder, limit_msec() / 1000.0);
        return FALSE;
    }
    if (program->error) {
        worktree_fail(error, "`git %s` in %s was ended: %s", command, folder,
                      program->error->message);
        return FALSE;
    }
    if (g_spawn_check_wait_status(g_subprocess_get_status(program->process), &cause))
        return TRUE;
    end = last_lines(program->said);
    worktree_fail(error, "`git %s` failed in %s (%s): %s", command, folder, cause->message, end);
    return FALSE;
}

gboolean git_program_run(const Repo *repo, const char *folder, const char *const *arguments,
                         char **ret_output, GError **error)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    g_auto(GStrv) argv = git_arguments(folder, arguments);
    g_auto(Program) program = {.loop = g_main_loop_new(context, FALSE), .end = g_cancellable_new()};
    gboolean fine;

    g_main_context_push_thread_default(context);
    fine = spawn(&program, repo, argv, error);
    if (fine)
        wait_for(&program, repo, context);
    g_main_context_pop_thread_default(context);
    if (!fine || !check_end(&program, folder, arguments[0], error))
        return FALSE;
    if (ret_output)
        *ret_output = g_steal_pointer(&program.output);
    return TRUE;
}
