/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * gemini (0.61) loses a conversation that was resumed once as soon as anything new begins in its
 * folder: it removes the file. So each Start first keeps the conversations of the worktree in the
 * run's folder, as links that cost no space, and a resume puts the one back that it needs.
 * Blocking, but small. It has no errors: without it, gemini is as it is.
 */

/** Keeps the conversations that gemini has of @worktree in the folder of a run. @environment: the
 *  agent's. */
void gemini_sessions_keep(int folder_fd, const char *worktree, char *const *environment);

/** Puts the conversation @session_id back where it is missing and a run's folder has it. */
void gemini_session_put_back(const char *session_id, const char *worktree,
                             char *const *environment);
