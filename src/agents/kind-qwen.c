/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command-line.h"
#include "agents/kind.h"
#include "agents/line-facts.h"
#include "agents/mcp-server.h"

/*
 * Qwen Code, as of 0.24: `qwen --output-format stream-json`. Its lines are like claude's, its
 * command line like gemini's: it refuses claude's flags.
 */

static void build(CommandLine *line)
{
    command_line_add_program(line);
    if (command_line_prompt_fits(line))
        command_line_add_option(line, "-p", line->prompt);
    else
        command_line_prompt_to_stdin(line);
    command_line_add_args(line);
    command_line_add_option(line, "-m", line->agent->model);
    command_line_add_option(line, "--resume", line->context->resume);
    command_line_add_option(line, "--output-format", "stream-json");
    command_line_add(line, "--yolo");
    if (line->agent->mcp) {
        g_autofree char *server = mcp_server_as_settings(line->context);
        command_line_add_option(line, "--mcp-config", server);
    }
}

static void read_system(LineJson json, DecodedLine *line)
{
    line_read_session(json, "session_id", line);
    line->facts.opening = line_json_is(json, "subtype", "init");
}

/* The error of a failed request is printed as an assistant's text, and nowhere else. */
static void read_assistant(LineJson json, DecodedLine *line)
{
    line->facts.assistant = TRUE;
    line_read_texts(json, "message.content", line);
}

/* The turns are the run's; the tokens are those of the session, requests that qwen makes for itself
 * among them. */
static void read_result(LineJson json, DecodedLine *line)
{
    gboolean success = !line_json_is_set(json, "is_error");
    line_close_run(line, success, success ? NULL : line_dup_string(json, "error.message"));
    line_read_count(json, "num_turns", USAGE_TURNS, &line->facts.used);
    line_read_tokens(json, &line->facts.session,
                     (LineTokens){.input = "usage.input_tokens",
                                  .cached = "usage.cache_read_input_tokens",
                                  .output = "usage.output_tokens"});
}

static const char *const keys[] = {"prompt", "model", "resume", "mcp", NULL};

static const KindLine lines[] = {
    {"system", read_system},
    {"assistant", read_assistant},
    {"result", read_result, line_read_long_result},
    {NULL},
};

const AgentKind agent_kind_qwen = {
    .name = "qwen",
    .program = "qwen",
    .keys = keys,
    .build = build,
    .lines = lines,
    .counts_session = TRUE,
};
