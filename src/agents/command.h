/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "project/roster.h"

/*
 * From an agent of the roster to the command line and environment that the contract fixes for its
 * kind. Pure: no file, no process.
 */

/** The longest prompt, and the longest that goes into an argument (Linux allows 128 KiB). */
#define PROMPT_MAX (4u * 1024 * 1024)
#define PROMPT_ARGUMENT_MAX (100u * 1024)

/** The prompt of an agent whose config has none. A template. */
#define PROMPT_DEFAULT "Work on story {{story_id}}."

typedef struct {
    const char *worktree_path;
    const char *story_id;
    const char *base_branch;
    const char *prompt; /* StartWithOptions' template; NULL or empty: the agent's own */
    const char *resume; /* a session id, or NULL */
} CommandContext;

typedef struct {
    char **argv;      /* argv[0] is the program as configured: a name for PATH, or a path */
    char *stdin_text; /* what the program gets on stdin (a prompt that is too long for an argument;
                         an interactive agent's first message), or NULL */
} AgentCommand;

/** {{worktree_path}}, {{story_id}} and {{base_branch}} replaced in @text in one pass (a value that
 *  itself looks like a placeholder stays as it is); an unknown {{placeholder}} stays as written.
 *  Caller frees. */
char *template_expand(const char *text, const CommandContext *context);

/** The command line of @agent. Sets STORKIT_ERROR_INVALID_ARGUMENT (prompt over PROMPT_MAX, a
 *  `resume` that is empty or begins with '-', a prompt or `resume` for kind raw, an argument longer
 *  than Linux takes). Caller: agent_command_free(). */
AgentCommand *agent_command_build(const AgentConfig *agent, const CommandContext *context,
                                  GError **error);

void agent_command_free(AgentCommand *command);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentCommand, agent_command_free)

/** @base (the user's login environment, NAME=VALUE) less the variables of the daemon's own service
 *  and of a surrounding Claude Code. Caller: g_strfreev(). */
char **environment_without_service(char *const *base);

/** The environment of an agent: environment_without_service() of @base, plus those every agent gets
 * (NO_COLOR, TERM, STORKIT_*), then the agent's `env`, then @extra (NAME=VALUE, or NULL). Caller:
 *  g_strfreev(). */
char **agent_environment_build(char *const *base, const AgentConfig *agent,
                               const CommandContext *context, char *const *extra);

/** One user message as the kind reads it on stdin (claude: a stream-json line, with its newline),
 *  or NULL where the kind takes none. Caller frees. */
char *agent_message_build(AgentKind kind, const char *text);
