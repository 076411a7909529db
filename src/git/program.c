/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/program.h"

#include "git/command.h"

gboolean git_program_is_there(const Repo *repo)
{
    const GitSettings settings = {repo->environment, repo->cancellable};
    return git_command_is_there(&settings);
}

gboolean git_program_run(const Repo *repo, const char *folder, const char *const *arguments,
                         char **ret_output, GError **error)
{
    const GitSettings settings = {repo->environment, repo->cancellable};
    return git_command_run(&settings, folder, arguments, ret_output, error);
}
