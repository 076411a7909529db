/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/command.h"

#include <string.h>

#include "base/test-hooks.h"
#include "base/util.h"
#include "git/library.h"
#include "host/command.h"

#define STDERR_LINES_SHOWN 5

/* For large files over a slow line. Tests have no time to wait: their own is in the environment. */
#define LIMIT_MSEC (10 * 60 * 1000)

/* A status of a million files. */
#define OUTPUT_MAX (64u << 20)

/* Left in our environment by a hook or a terminal, these would point git elsewhere. */
static const char *const misleading[] = {
    "GIT_DIR",        "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX",     "GIT_ALTERNATE_OBJECT_DIRECTORIES",
};

static char **git_environment(char *const *base)
{
    char **environment = base ? g_strdupv((char **)base) : g_get_environ();
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

/* The last lines that git said, made one line. */
static char *last_lines(const Command *command)
{
    g_autofree char *valid = command_get_tail(command);
    const char *start = valid + strlen(valid);
    for (guint lines = 0; start > valid; start--)
        if (start[-1] == '\n' && ++lines == STDERR_LINES_SHOWN)
            break;
    g_auto(GStrv) shown = g_strsplit(start, "\n", -1);
    return g_strjoinv("; ", shown);
}

static guint limit_msec(void)
{
    return test_limit("STORKIT_GIT_MSEC", LIMIT_MSEC);
}

gboolean git_command_is_there(const GitSettings *settings)
{
    g_auto(GStrv) environment = git_environment(settings->environment);
    g_autofree char *git = find_program_in(environment, "git");
    return git != NULL;
}

static gboolean check_end(const Command *end, const char *folder, const char *command,
                          GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (end->cancelled)
        worktree_fail(error, "`git %s` in %s was killed: the run was stopped", command, folder);
    else if (end->timed_out)
        worktree_fail(error,
                      "`git %s` in %s did not finish in %.3g s and was killed: check whether a "
                      "filter in git's config, or the server it talks to, hangs",
                      command, folder, limit_msec() / 1000.0);
    else if (end->flooded)
        worktree_fail(error, "`git %s` in %s printed more than %u MiB and was killed", command,
                      folder, OUTPUT_MAX >> 20);
    else if (!g_spawn_check_wait_status(end->status, &cause)) {
        g_autofree char *said = last_lines(end);
        worktree_fail(error, "`git %s` failed in %s (%s): %s", command, folder, cause->message,
                      said);
    } else
        return TRUE;
    return FALSE;
}

gboolean git_command_run(const GitSettings *settings, const char *folder,
                         const char *const *arguments, char **ret_output, GError **error)
{
    g_auto(GStrv) environment = git_environment(settings->environment);
    g_auto(GStrv) argv = git_arguments(folder, arguments);
    g_autofree char *git = find_program_in(environment, "git");
    if (!git) {
        worktree_fail(error, "this repository needs the git program (it has filters, submodules, a "
                             "sparse checkout, or is a partial or shallow clone), which is not on "
                             "the PATH: install git");
        return FALSE;
    }
    g_free(argv[0]);
    argv[0] = g_steal_pointer(&git);
    g_auto(Command) command = {
        .argv = argv,
        .environment = environment,
        .folder = "/",
        .limit_msec = limit_msec(),
        .output_max = OUTPUT_MAX,
        .cancellable = settings->cancellable,
        .dies_with_thread = TRUE,
    };
    int r = command_run(&command);
    if (r != 0) {
        worktree_fail(error, "cannot start git: %s", g_strerror(r));
        return FALSE;
    }
    if (!check_end(&command, folder, arguments[0], error))
        return FALSE;
    if (ret_output)
        *ret_output = g_strndup(command.output->str, command.output->len);
    return TRUE;
}
