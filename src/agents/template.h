/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** CommandContext: a run's values for its agent's templates, command line and environment. */
typedef struct {
    const char *worktree_path;
    const char *story_id;
    const char *base_branch;
    const char *prompt;       /* StartWithOptions' template; NULL or empty: the agent's own */
    const char *resume;       /* a session id, or NULL */
    char *const *environment; /* the agent's; or NULL */
} CommandContext;

/** {{worktree_path}}, {{story_id}} and {{base_branch}} replaced in @text in one pass (a value that
 *  itself looks like a placeholder stays as it is); an unknown {{placeholder}} stays as written.
 *  Caller frees. */
char *template_expand(const char *text, const CommandContext *context);
