/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command.h"

#include <string.h>

#include "agents/command-line.h"
#include "agents/mcp-server.h"
#include "base/error.h"

/* What Linux takes as one argument of execve(), its NUL included (MAX_ARG_STRLEN). */
#define ARGUMENT_MAX (128u * 1024)

G_GNUC_PRINTF(2, 3)
static gboolean refuse(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT, message);
    return FALSE;
}

static gboolean check_resume(const AgentConfig *agent, const char *resume, GError **error)
{
    if (!resume)
        return TRUE;
    if (!agent_kind_takes(agent->kind, "resume"))
        return refuse(error, "agents of kind %s have no sessions to resume: leave resume out",
                      agent->kind->name);
    if (*resume == '\0' || *resume == '-')
        return refuse(error, "resume must be a session id, not empty and not beginning with '-'");
    return TRUE;
}

/* Expands the prompt that holds: the caller's, the agent's or the default one. */
static gboolean expand_prompt(CommandLine *line, GError **error)
{
    const char *template = line->context->prompt;
    gboolean given = template && *template;
    if (!agent_kind_takes(line->agent->kind, "prompt")) {
        return !given || refuse(error, "agents of kind %s take no prompt: leave it out, or use env",
                                line->agent->kind->name);
    }
    line->prompt =
        template_expand(given ? template : agent_config_prompt(line->agent), line->context);
    if (strlen(line->prompt) > PROMPT_MAX)
        return refuse(
            error, "the prompt is larger than 4 MiB: put the text into a file in the worktree and "
                   "tell the agent to read it");
    return TRUE;
}

/* Better here, with a name, than as E2BIG from execve(). */
static gboolean check_arguments(const CommandLine *line, GError **error)
{
    for (guint i = 0; i < line->argv->len; i++) {
        gsize length = strlen(g_ptr_array_index(line->argv, i));

        if (length < ARGUMENT_MAX)
            continue;
        return refuse(error,
                      "agent '%s': the argument after '%.40s' has %" G_GSIZE_FORMAT
                      " bytes, and Linux allows less than 128 KiB: make it shorter",
                      line->agent->name,
                      i > 0 ? (const char *)g_ptr_array_index(line->argv, i - 1) : "", length);
    }
    return TRUE;
}

/* What the user has put there is not to be lost. */
static gboolean check_variable(const AgentConfig *agent, const CommandContext *context,
                               GError **error)
{
    const char *name = agent->mcp ? agent->kind->mcp_variable : NULL;
    if (!name || !context->environment || !g_environ_getenv((char **)context->environment, name))
        return TRUE;
    return refuse(error,
                  "agent '%s': mcp is given to agents of kind %s in the variable %s, which its "
                  "environment has already: unset it, or leave mcp out",
                  agent->name, agent->kind->name, name);
}

static void command_line_clear(CommandLine *line)
{
    g_free(line->prompt);
    g_ptr_array_unref(line->argv);
    g_free(line->stdin_text);
    g_strfreev(line->variables);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CommandLine, command_line_clear)

AgentCommand *agent_command_build(const AgentConfig *agent, const CommandContext *context,
                                  GError **error)
{
    g_auto(CommandLine) line = {
        .agent = agent,
        .context = context,
        .argv = g_ptr_array_new_with_free_func(g_free),
    };
    if (!check_resume(agent, context->resume, error) || !check_variable(agent, context, error) ||
        !expand_prompt(&line, error))
        return NULL;
    agent->kind->build(&line);
    if (!check_arguments(&line, error))
        return NULL;
    g_ptr_array_add(line.argv, NULL);

    AgentCommand *command = g_new0(AgentCommand, 1);
    command->argv = (char **)g_ptr_array_steal(line.argv, NULL);
    command->stdin_text = g_steal_pointer(&line.stdin_text);
    command->variables = g_steal_pointer(&line.variables);
    if (agent->kind->reply)
        command->message = g_steal_pointer(&line.prompt);
    if (agent->kind->reply && agent->mcp)
        command->servers = mcp_server_as_list(context);
    return command;
}

void agent_command_free(AgentCommand *command)
{
    if (!command)
        return;
    g_strfreev(command->argv);
    g_free(command->stdin_text);
    g_free(command->message);
    g_strfreev(command->variables);
    g_free(command->servers);
    g_free(command);
}
