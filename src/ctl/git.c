/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/git.h"

#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "ctl/ctl-error.h"
#include "ctl/json-path.h"

/* They would send git to another repository than the worktree's. */
static const char *const repository_variables[] = {
    "GIT_DIR",        "GIT_WORK_TREE",        "GIT_INDEX_FILE",
    "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",  "GIT_PREFIX",
};

void git_forget_environment(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(repository_variables); i++)
        g_unsetenv(repository_variables[i]);
}

GPtrArray *git_argv(const char *folder)
{
    GPtrArray *argv = g_ptr_array_new();
    g_ptr_array_add(argv, (char *)"git");
    g_ptr_array_add(argv, (char *)"-C");
    g_ptr_array_add(argv, (char *)folder);
    return argv;
}

GString *git_read(GPtrArray *argv, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(GSubprocess) git = g_subprocess_newv(
        (const char *const *)argv->pdata,
        G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &problem);
    g_autoptr(GBytes) output = NULL, said = NULL;
    gsize length;
    if (!git || !g_subprocess_communicate(git, NULL, NULL, &output, &said, &problem)) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "git: %s", problem->message);
        return NULL;
    }
    const char *data = g_bytes_get_data(output, &length);
    if (g_subprocess_get_if_exited(git) && g_subprocess_get_exit_status(git) == 0)
        return g_string_new_len(data ?: "", (gssize)length);
    data = g_bytes_get_data(said, &length);
    g_autofree char *text = g_strndup(data ?: "", length);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "git: %s", g_strchomp(text));
    return NULL;
}

static void add_arguments(GPtrArray *argv, va_list arguments)
{
    const char *argument;
    while ((argument = va_arg(arguments, const char *)))
        g_ptr_array_add(argv, (char *)argument);
    g_ptr_array_add(argv, NULL);
}

char *git_output(const char *folder, GError **error, ...)
{
    g_autoptr(GPtrArray) argv = git_argv(folder);
    va_list arguments;
    va_start(arguments, error);
    add_arguments(argv, arguments);
    va_end(arguments);
    GString *output = git_read(argv, error);
    return output ? g_strchomp(g_string_free(output, FALSE)) : NULL;
}

gboolean git_succeeds(const char *folder, ...)
{
    g_autoptr(GPtrArray) argv = git_argv(folder);
    va_list arguments;
    va_start(arguments, folder);
    add_arguments(argv, arguments);
    va_end(arguments);
    GString *output = git_read(argv, NULL);
    return output && g_string_free(output, TRUE) == NULL;
}

static void restore_keys(gpointer unused)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
}

/* The keys that interrupt are for git and its pager; we wait for them. */
int git_run(GPtrArray *argv, GError **error)
{
    void (*interrupt)(int) = signal(SIGINT, SIG_IGN);
    void (*quit)(int) = signal(SIGQUIT, SIG_IGN);
    g_autoptr(GError) problem = NULL;
    int status = -1;

    fflush(stdout);
    if (!g_spawn_sync(NULL, (char **)argv->pdata, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, restore_keys, NULL, NULL,
                      NULL, &status, &problem))
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot run git: %s", problem->message);
    else
        status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    signal(SIGINT, interrupt);
    signal(SIGQUIT, quit);
    return status;
}

char *git_base_of(JsonObject *worktree, GError **error)
{
    const char *known = json_get_string(worktree, "base_branch");
    const char *branch = json_get_string(worktree, "branch") ?: "";
    const char *path = json_get_string(worktree, "path") ?: "";
    g_autofree char *key = g_strdup_printf("branch.%s.storkitBase", branch);
    if (known)
        return g_strdup(known);
    char *base = git_output(path, NULL, "config", key, NULL);
    if (!base)
        g_set_error(
            error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
            "no base branch of %s is recorded: `git -C %s diff BASE` compares it with another",
            branch, path);
    return base;
}

static gboolean has_ref(const char *folder, const char *ref)
{
    return git_succeeds(folder, "show-ref", "--verify", "--quiet", ref, NULL);
}

/* A full name can't be that of a file. */
char *git_base_ref(const char *folder, const char *base, GError **error)
{
    static const char *const prefixes[] = {"refs/heads/", "refs/remotes/"};
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        g_autofree char *ref = g_strconcat(prefixes[i], base, NULL);
        if (has_ref(folder, ref))
            return g_steal_pointer(&ref);
    }
    g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
                "the base branch %s is gone: `git -C %s diff --merge-base BRANCH` compares with "
                "another",
                base, folder);
    return NULL;
}

char *git_work_tree_of(const char *list, const char *ref)
{
    g_auto(GStrv) blocks = g_strsplit(list, "\n\n", -1);
    g_autofree char *wanted = g_strdup_printf("\nbranch %s", ref);
    for (gsize i = 0; blocks[i]; i++) {
        const char *branch = strstr(blocks[i], wanted);
        if (!branch || (branch[strlen(wanted)] != '\n' && branch[strlen(wanted)] != '\0'))
            continue;
        const char *path = blocks[i] + strspn(blocks[i], "\n") + strlen("worktree ");
        return g_strndup(path, strcspn(path, "\n"));
    }
    return NULL;
}
