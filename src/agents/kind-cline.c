/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command-line.h"
#include "agents/kind.h"
#include "agents/line-facts.h"

/*
 * cline, as of 3.0: `cline --json`. With `--id`, which resumes a session, it takes no prompt there.
 */

static void build(CommandLine *line)
{
    command_line_add_program(line);
    command_line_add(line, "--json");
    command_line_add_option(line, "-m", line->agent->model);
    command_line_add_args(line);
    if (line->prompt[0] == '-')
        command_line_add(line, "--");
    command_line_add(line, line->prompt);
}

/* An agent started by this one does not belong to the session. */
static void read_hook(LineJson json, DecodedLine *line)
{
    if (line_json_is_set(json, "parentAgentId"))
        return;
    line_read_session(json, "taskId", line);
    line->facts.opening = line_json_is(json, "hookEventName", "agent_start");
}

static void read_event(LineJson json, DecodedLine *line)
{
    if (!line_json_is(json, "event.type", "content_end"))
        return;
    line->facts.assistant = TRUE;
    if (line_json_is(json, "event.contentType", "text"))
        line_read_text(json, "event.text", line);
}

static void read_result(LineJson json, DecodedLine *line)
{
    gboolean success = line_json_is(json, "finishReason", "completed");
    line_close_run(line, success, success ? NULL : line_dup_string(json, "text"));
    line_read_count(json, "iterations", USAGE_TURNS, &line->facts.so_far);
    line_read_cost(json, "usage.totalCost", &line->facts.so_far);
    line_read_tokens(json, &line->facts.so_far,
                     (LineTokens){.input = "usage.inputTokens",
                                  .cached = "usage.cacheReadTokens",
                                  .output = "usage.outputTokens"});
}

static const char *const keys[] = {"prompt", "model", NULL};

static const KindLine lines[] = {
    {"hook_event", read_hook},
    {"agent_event", read_event},
    {"run_result", read_result},
    {NULL},
};

const AgentKind agent_kind_cline = {
    .name = "cline",
    .program = "cline",
    .keys = keys,
    .build = build,
    .lines = lines,
};
