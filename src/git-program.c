/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git-program.h"

#include <string.h>

#include "error.h"

#define STDERR_LINES_SHOWN 5

/* What a hook or a terminal may have left in our environment and would point git elsewhere. */
static const char *const misleading[] = {
    "GIT_DIR",        "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX",     "GIT_ALTERNATE_OBJECT_DIRECTORIES",
};

static char **git_environment(void)
{
    char **environment = g_get_environ();

    for (gsize i = 0; i < G_N_ELEMENTS(misleading); i++)
        environment = g_environ_unsetenv(environment, misleading[i]);
    /* There is nobody to answer: an LFS server that wants a password must fail. */
    environment = g_environ_setenv(environment, "GIT_TERMINAL_PROMPT", "0", TRUE);
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

/** The last lines of what git said, made one line of valid UTF-8. */
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
        g_set_error(
            error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED,
            "this repository needs the git program (it has filters, submodules, a sparse "
            "checkout, or is a partial or shallow clone), which is not on the PATH: install git");
    else
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED,
                    "git could not be started: %s", cause->message);
}

gboolean git_program_run(const char *folder, const char *const *arguments, char **ret_output,
                         GError **error)
{
    g_auto(GStrv) environment = git_environment();
    g_auto(GStrv) argv = git_arguments(folder, arguments);
    g_autofree char *output = NULL;
    g_autofree char *said = NULL;
    g_autoptr(GError) cause = NULL;
    int status;

    if (!g_spawn_sync("/", argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &said,
                      &status, &cause)) {
        set_start_error(cause, error);
        return FALSE;
    }
    if (!g_spawn_check_wait_status(status, &cause)) {
        g_autofree char *end = last_lines(said);
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED,
                    "`git %s` failed in %s (%s): %s", arguments[0], folder, cause->message, end);
        return FALSE;
    }
    if (ret_output)
        *ret_output = g_steal_pointer(&output);
    return TRUE;
}
