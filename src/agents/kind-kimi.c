/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command-line.h"
#include "agents/kind.h"
#include "agents/line-facts.h"

/*
 * Moonshot's kimi-code, as of 2.1: `kimi -p --output-format stream-json`. Its messages have no
 * `type`, it has no closing line and no totals, and its session's id is on its last line only: a
 * run that was killed has none.
 */

/* After -p, a prompt that begins with '-' is taken as one. */
static void build(CommandLine *line)
{
    command_line_add_program(line);
    command_line_add_option(line, "-p", line->prompt);
    command_line_add_args(line);
    command_line_add_option(line, "-m", line->agent->model);
    command_line_add_option(line, "--session", line->context->resume);
    command_line_add_option(line, "--output-format", "stream-json");
}

static void read_message(LineJson json, DecodedLine *line)
{
    if (!line_json_is(json, "role", "assistant"))
        return;
    line->facts.assistant = TRUE;
    line_read_text(json, "content", line);
}

static void read_hint(LineJson json, DecodedLine *line)
{
    line_read_session(json, "session_id", line);
}

static const char *const keys[] = {"prompt", "model", "resume", NULL};

static const KindLine lines[] = {
    {"", read_message},
    {"session.resume_hint", read_hint},
    {NULL},
};

const AgentKind agent_kind_kimi = {
    .name = "kimi",
    .program = "kimi",
    .keys = keys,
    .build = build,
    .lines = lines,
};
