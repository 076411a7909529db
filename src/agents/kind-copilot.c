/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command-line.h"
#include "agents/kind.h"
#include "agents/line-facts.h"

/*
 * GitHub's copilot, as of 1.0.102: `copilot -p --output-format json`. Its session's id is on its
 * last line only: a run that was killed has none.
 */

static void build(CommandLine *line)
{
    command_line_add_program(line);
    command_line_add_option(line, "-p", line->prompt);
    command_line_add(line, "--allow-all-tools");
    command_line_add_option(line, "--model", line->agent->model);
    command_line_add_args(line);
    command_line_add_option(line, "--resume", line->context->resume);
    command_line_add_option(line, "--output-format", "json");
}

static void read_user(LineJson json, DecodedLine *line)
{
    line->facts.opening = TRUE;
}

static void read_message(LineJson json, DecodedLine *line)
{
    const char *text = line_json_string(json, "data.content");
    line->facts.assistant = TRUE;
    if (text && *text)
        line_read_text(json, "data.content", line);
}

/* The words for a `result` that follows. */
static void read_error(LineJson json, DecodedLine *line)
{
    line->facts.error = line_dup_string(json, "data.message");
}

static void read_result(LineJson json, DecodedLine *line)
{
    guint64 status;
    gboolean success = line_json_uint(json, "exitCode", 255, &status) && status == 0;
    line_read_session(json, "sessionId", line);
    line_close_run(line, success, NULL);
}

static const char *const keys[] = {"prompt", "model", "resume", NULL};

static const KindLine lines[] = {
    {"user.message", read_user},
    {"assistant.message", read_message},
    {"session.error", read_error},
    {"result", read_result},
    {NULL},
};

const AgentKind agent_kind_copilot = {
    .name = "copilot",
    .program = "copilot",
    .keys = keys,
    .build = build,
    .lines = lines,
};
