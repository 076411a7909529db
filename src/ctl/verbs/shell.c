/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/json-path.h"
#include "ctl/verb.h"
#include "ctl/verbs/worktrees.h"

/*
 * shell and path: into a story's worktree.
 */

/* The folder of the story's worktree. Caller frees. */
static char *find_folder(Ctl *ctl, const char *story, GError **error)
{
    g_autoptr(JsonArray) worktrees = worktrees_list(ctl, error);
    JsonObject *worktree = worktrees ? worktrees_find(ctl, worktrees, story, error) : NULL;
    if (!worktree || !worktrees_check_there(worktree, error))
        return NULL;
    return g_strdup(json_get_string(worktree, "path"));
}

static int path(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autofree char *folder = find_folder(ctl, arguments[0], error);
    if (!folder)
        return -1;
    puts(folder);
    return 0;
}

static int shell(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autofree char *folder = find_folder(ctl, arguments[0], error);
    const char *program = g_getenv("SHELL");
    char *const alone[] = {(char *)(program && *program ? program : "/bin/sh"), NULL};
    if (!folder)
        return -1;
    if (chdir(folder) < 0) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot go to %s: %s", folder,
                    g_strerror(errno));
        return -1;
    }
    g_setenv("PWD", folder, TRUE);
    ctl_exec(passed[0] ? passed : alone, error);
    return -1;
}

const Verb path_verb = {
    .name = "path",
    .synopsis = "[STORY]",
    .summary = "Print the folder of a story's worktree",
    .arguments = ARGUMENT_WORKTREE,
    .most = 1,
    .run = path,
};

const Verb shell_verb = {
    .name = "shell",
    .synopsis = "[STORY] [-- COMMAND…]",
    .summary = "Run a shell, or COMMAND, in a story's worktree",
    .arguments = ARGUMENT_WORKTREE,
    .most = 1,
    .passes_on = TRUE,
    .run = shell,
};
