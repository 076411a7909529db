/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agents/command-line.h"
#include "agents/kind.h"
#include "agents/line-facts.h"
#include "agents/mcp-server.h"

/*
 * OpenAI's codex, as of 0.171: `codex exec --json`.
 */

/* The prompt "-" means stdin, for `exec resume` too. */
static void build(CommandLine *line)
{
    command_line_add_program(line);
    command_line_add(line, "exec");
    command_line_add(line, "--json");
    command_line_add(line, "--skip-git-repo-check");
    command_line_add(line, "--dangerously-bypass-approvals-and-sandbox");
    command_line_add_option(line, "-m", line->agent->model);
    if (line->agent->mcp) {
        g_autofree char *server = mcp_server_as_toml(line->context);
        command_line_add_option(line, "-c", server);
    }
    command_line_add_args(line);
    command_line_add_option(line, "resume", line->context->resume);
    if (command_line_prompt_fits(line)) {
        command_line_add(line, line->prompt);
    } else {
        command_line_add(line, "-");
        command_line_prompt_to_stdin(line);
    }
}

static void read_started(LineJson json, DecodedLine *line)
{
    line_read_session(json, "thread_id", line);
    line->facts.opening = TRUE;
}

static void read_item(LineJson json, DecodedLine *line)
{
    const char *type = line_json_string(json, "item.type");
    line->facts.assistant = type && !g_str_equal(type, "error");
    if (g_strcmp0(type, "agent_message") == 0)
        line_read_text(json, "item.text", line);
}

/* The usage is that of the whole thread. */
static void read_completed(LineJson json, DecodedLine *line)
{
    line_close_run(line, TRUE, NULL);
    line_read_tokens(json, &line->facts.session,
                     (LineTokens){.input = "usage.input_tokens",
                                  .cached = "usage.cached_input_tokens",
                                  .output = "usage.output_tokens"});
}

/* At HTTP 429 with a `retry-after` it says only this, and waits that long in silence. */
static void read_error(LineJson json, DecodedLine *line)
{
    const char *message = line_json_string(json, "message");
    line->facts.stalled = message && g_str_has_prefix(message, "Reconnecting...") &&
                          strstr(message, "429 Too Many Requests");
}

static void read_failed(LineJson json, DecodedLine *line)
{
    line_close_run(line, FALSE, line_dup_string(json, "error.message"));
}

static const char *const keys[] = {"prompt", "model", "resume", "mcp", NULL};

static const KindLine lines[] = {
    {"thread.started", read_started},
    {"item.completed", read_item},
    {"turn.completed", read_completed},
    {"turn.failed", read_failed},
    {"error", read_error},
    {NULL},
};

const AgentKind agent_kind_codex = {
    .name = "codex",
    .program = "codex",
    .keys = keys,
    .build = build,
    .lines = lines,
    .counts_session = TRUE,
};
