/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "project/teardown.h"

#include <sys/wait.h>

#include "agents/environment.h"
#include "base/error.h"
#include "base/test-hooks.h"
#include "host/command.h"

#define LIMIT_MSEC 120000

static guint limit_msec(void)
{
    return test_limit("STORKIT_TEARDOWN_MSEC", LIMIT_MSEC);
}

static char *describe_end(const Command *command)
{
    if (command->excess)
        return g_strdup(command->excess);
    if (command->timed_out)
        return g_strdup_printf("it did not finish in %.3g s", limit_msec() / 1000.0);
    if (WIFEXITED(command->status))
        return g_strdup_printf("exit status %d", WEXITSTATUS(command->status));
    return g_strdup_printf("killed by signal %d", WTERMSIG(command->status));
}

static gboolean check_end(const Command *command, const char *text, GError **error)
{
    if (!command->timed_out && WIFEXITED(command->status) && WEXITSTATUS(command->status) == 0)
        return TRUE;
    g_autofree char *tail = command_get_tail(command);
    g_autofree char *status = describe_end(command);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED,
                "teardown command `%s` failed: %s (force removes the worktree anyway)%s%s", text,
                status, *tail ? "; its last lines:\n" : "", tail);
    return FALSE;
}

static gboolean run_one(const char *folder, const char *text, char *const *environment,
                        GError **error)
{
    const char *argv[] = {"/bin/sh", "-c", text, NULL};
    g_auto(Command) command = {
        .argv = (char **)argv,
        .environment = environment,
        .folder = folder,
        .limit_msec = limit_msec(),
    };
    int r = command_run(&command);
    if (r == 0)
        return check_end(&command, text, error);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED,
                "teardown command `%s` cannot be run in %s: %s (force removes the worktree "
                "anyway)",
                text, folder, g_strerror(r));
    return FALSE;
}

gboolean teardown_is_wanted(const ProjectConfig *config)
{
    for (guint i = 0; i < config->components->len; i++)
        if (((const ComponentConfig *)g_ptr_array_index(config->components, i))->teardown[0])
            return TRUE;
    return FALSE;
}

gboolean teardown_run(const ProjectConfig *config, const char *path, char *const *environment,
                      GError **error)
{
    g_auto(GStrv) cleaned = environment_without_service(environment);
    for (guint i = 0; i < config->components->len; i++) {
        const ComponentConfig *component = g_ptr_array_index(config->components, i);
        g_autofree char *folder = g_build_filename(path, component->path, NULL);
        for (char **command = component->teardown; *command; command++)
            if (!run_one(folder, *command, cleaned, error))
                return FALSE;
    }
    return TRUE;
}
