/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The git program, for the few repositories that libgit2 can't serve faithfully.
 */

/** Runs `git -C @folder ARGUMENTS` without hooks, prompts or input, and waits for it: worker
 *  threads only. The thread's current GCancellable, and a time limit of ten minutes, kill it with
 *  all that it has started; so does the end of the service. @ret_output (may be NULL; caller frees)
 *  is the text that it printed. Sets WORKTREE_FAILED with the last lines of its stderr, or that git
 *  is not installed. */
gboolean git_program_run(const char *folder, const char *const *arguments, char **ret_output,
                         GError **error);

/** Gives git @environment (NULL: the service's own) in this thread until it is popped: the filters
 *  of a repository may be where only the user's login environment finds them. Like
 *  g_cancellable_push_current(), since between a Start and its git are many hands that have no use
 *  for either. */
void git_program_push_environment(char *const *environment);
void git_program_pop_environment(void);
