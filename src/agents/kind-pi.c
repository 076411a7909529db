/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command-line.h"
#include "agents/kind.h"
#include "agents/line-facts.h"

/*
 * pi, as of 1.6: `pi --mode json -p`. Its exit status says nothing (0 at an HTTP 401): each message
 * of the assistant says how it ended, and the last one counts.
 */

static void build(CommandLine *line)
{
    command_line_add_program(line);
    command_line_add_option(line, "--mode", "json");
    command_line_add(line, "-p");
    command_line_add_option(line, "--model", line->agent->model);
    command_line_add_option(line, "--session", line->context->resume);
    command_line_add_args(line);
    if (command_line_prompt_is_long(line))
        command_line_prompt_to_stdin(line);
    else if (command_line_prompt_fits(line))
        command_line_add(line, line->prompt);
    else
        command_line_add_option(line, "--", line->prompt);
}

static void read_session(LineJson json, DecodedLine *line)
{
    line_read_session(json, "id", line);
    line->facts.opening = TRUE;
}

/* One that asked for tools is followed by another. */
static void read_end(LineJson json, DecodedLine *line)
{
    const char *reason = line_json_string(json, "message.stopReason");
    if (g_strcmp0(reason, "error") == 0 || g_strcmp0(reason, "aborted") == 0)
        line_close_run(line, FALSE, line_dup_string(json, "message.errorMessage"));
    else if (g_strcmp0(reason, "stop") == 0 || g_strcmp0(reason, "length") == 0)
        line_close_run(line, TRUE, NULL);
}

static void read_message(LineJson json, DecodedLine *line)
{
    if (!line_json_is(json, "message.role", "assistant"))
        return;
    line_read_texts(json, "message.content", line);
    line_read_cost(json, "message.usage.cost.total", &line->facts.used);
    line_read_tokens(json, &line->facts.used,
                     (LineTokens){.input = "message.usage.input",
                                  .cached = "message.usage.cacheRead",
                                  .written = "message.usage.cacheWrite",
                                  .output = "message.usage.output",
                                  .input_is_rest = TRUE});
    read_end(json, line);
    line->facts.assistant = !line->facts.closing || line->facts.success;
}

static const char *const keys[] = {"prompt", "model", "resume", NULL};

static const KindLine lines[] = {
    {"session", read_session},
    {"message_end", read_message},
    {NULL},
};

const AgentKind agent_kind_pi = {
    .name = "pi",
    .program = "pi",
    .keys = keys,
    .build = build,
    .lines = lines,
};
