/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command-line.h"
#include "agents/gemini-sessions.h"
#include "agents/line-facts.h"

/*
 * Google's gemini-cli, as of 0.61: `gemini --output-format stream-json`. It can't be given a server
 * of ours: it reads a file of settings that a variable names only where root owns it.
 */

/* A stdin that is not a terminal makes it run headless and is the prompt (with -p, the text before
 * the prompt). */
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
    command_line_add(line, "--skip-trust");
}

static void read_init(LineJson json, DecodedLine *line)
{
    line_read_session(json, "session_id", line);
    line->facts.opening = TRUE;
}

static void read_message(LineJson json, DecodedLine *line)
{
    if (!line_json_is(json, "role", "assistant"))
        return;
    line->facts.assistant = TRUE;
    line_read_text(json, "content", line);
}

static void read_result(LineJson json, DecodedLine *line)
{
    gboolean success = line_json_is(json, "status", "success");
    line_close_run(line, success, success ? NULL : line_dup_string(json, "error.message"));
    line_read_tokens(json, &line->facts.so_far,
                     (LineTokens){.input = "stats.input_tokens",
                                  .cached = "stats.cached",
                                  .output = "stats.output_tokens"});
}

static const char *const keys[] = {"prompt", "model", "resume", NULL};

static const KindLine lines[] = {
    {"init", read_init},
    {"message", read_message},
    {"tool_use", line_read_assistant},
    {"result", read_result},
    {NULL},
};

const AgentKind agent_kind_gemini = {
    .name = "gemini",
    .program = "gemini",
    .keys = keys,
    .build = build,
    .lines = lines,
    .look_after_sessions = gemini_look_after_sessions,
};
