/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/agent.h"
#include "agents/template.h"

/*
 * From an agent of the roster to the command line that the contract fixes for its kind. Pure: no
 * file, no process.
 */

/** The longest prompt. */
#define PROMPT_MAX (4u * 1024 * 1024)

typedef struct {
    char **argv;      /* argv[0] is the program as configured: a name for PATH, or a path */
    char *stdin_text; /* the program's stdin (a prompt too long for an argument; an interactive
                         agent's first message), or NULL */
    char *message;    /* the prompt, for a kind that gets it later: see AgentKind; or NULL */
    char **variables; /* NAME=VALUE for its environment; or NULL */
    char *servers;    /* MCP servers, for a kind that is spoken with: see ReplyContext; or NULL */
} AgentCommand;

/** The command line of @agent. Sets STORKIT_ERROR_INVALID_ARGUMENT (prompt over PROMPT_MAX, a
 *  `resume` that is empty or begins with '-', a prompt or `resume` for a kind without one, an
 *  argument longer than Linux takes). Caller: agent_command_free(). */
AgentCommand *agent_command_build(const AgentConfig *agent, const CommandContext *context,
                                  GError **error);

void agent_command_free(AgentCommand *command);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentCommand, agent_command_free)
