/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"

/*
 * The git program, for the few repositories that libgit2 can't serve faithfully.
 */

/** Runs `git -C @folder ARGUMENTS` without hooks, prompts or input, and waits for it: worker
 *  threads only. The cancellable of @repo, and a time limit of ten minutes, kill it with all that
 * it has started; so does the end of the service. @ret_output (may be NULL; caller frees) is the
 * text that it printed. Sets WORKTREE_FAILED with the last lines of its stderr, or that git is not
 * installed. */
gboolean git_program_run(const Repo *repo, const char *folder, const char *const *arguments,
                         char **ret_output, GError **error);
