/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The git program, in a cell of its own (host/command.h).
 */

typedef struct {
    char *const *environment;  /* NULL: this process's */
    GCancellable *cancellable; /* kills it; NULL: nothing does */
} GitSettings;

/** Whether the PATH of @settings has git. */
gboolean git_command_is_there(const GitSettings *settings);

/** Runs `git -C @folder ARGUMENTS` without hooks, prompts or input, and waits for it: worker
 *  threads only. The cancellable, and a time limit of ten minutes, kill it with all that it has
 *  started; so does the end of the service. @ret_output (may be NULL; caller frees) is the text
 * that it printed. Sets WORKTREE_FAILED with the last lines of its stderr, or that git is not
 *  installed. */
gboolean git_command_run(const GitSettings *settings, const char *folder,
                         const char *const *arguments, char **ret_output, GError **error);
