/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"

/*
 * The git program, for the few repositories that libgit2 can't serve faithfully, or not as fast.
 */

/** Whether git is installed. */
gboolean git_program_is_there(const Repo *repo);

/** git_command_run() (git/command.h) with the settings of @repo. */
gboolean git_program_run(const Repo *repo, const char *folder, const char *const *arguments,
                         char **ret_output, GError **error);
