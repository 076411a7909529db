/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command-line.h"
#include "agents/kind.h"
#include "agents/line-facts.h"
#include "agents/mcp-server.h"

/*
 * opencode, as of 1.18: `opencode run --format json`.
 */

#define MCP_VARIABLE "OPENCODE_CONFIG_CONTENT"

/* This is merged with the user's and the project's configuration. */
static void give_mcp(CommandLine *line)
{
    g_autofree char *config = mcp_server_as_opencode(line->context);
    line->variables = g_environ_setenv(NULL, MCP_VARIABLE, config, TRUE);
}

/* `run` without a message reads it from stdin if that is not a terminal. */
static void build(CommandLine *line)
{
    command_line_add_program(line);
    command_line_add(line, "run");
    command_line_add_option(line, "--format", "json");
    command_line_add_option(line, "-m", line->agent->model);
    command_line_add_option(line, "--session", line->context->resume);
    command_line_add_args(line);
    if (command_line_prompt_fits(line))
        command_line_add(line, line->prompt);
    else
        command_line_prompt_to_stdin(line);
    if (line->agent->mcp)
        give_mcp(line);
}

static void read_any(LineJson json, DecodedLine *line)
{
    line_read_session(json, "sessionID", line);
}

static void read_start(LineJson json, DecodedLine *line)
{
    line->facts.opening = TRUE;
}

static void read_text(LineJson json, DecodedLine *line)
{
    line->facts.assistant = TRUE;
    line_read_text(json, "part.text", line);
}

/* A step that asked for tools is followed by another. */
static void read_finish(LineJson json, DecodedLine *line)
{
    if (line_json_is(json, "part.reason", "stop"))
        line_close_run(line, TRUE, NULL);
    line_read_cost(json, "part.cost", &line->facts.used);
    line_read_tokens(json, &line->facts.used,
                     (LineTokens){.input = "part.tokens.input",
                                  .cached = "part.tokens.cache.read",
                                  .written = "part.tokens.cache.write",
                                  .output = "part.tokens.output",
                                  .input_is_rest = TRUE});
}

static void read_error(LineJson json, DecodedLine *line)
{
    char *error = line_dup_string(json, "error.data.message");
    line_close_run(line, FALSE, error ? error : line_dup_string(json, "error.name"));
}

static const char *const keys[] = {"prompt", "model", "resume", "mcp", NULL};

static const KindLine lines[] = {
    {NULL, read_any},
    {"step_start", read_start},
    {"text", read_text},
    {"tool_use", line_read_assistant},
    {"step_finish", read_finish},
    {"error", read_error},
    {NULL},
};

const AgentKind agent_kind_opencode = {
    .name = "opencode",
    .program = "opencode",
    .keys = keys,
    .build = build,
    .mcp_variable = MCP_VARIABLE,
    .lines = lines,
};
