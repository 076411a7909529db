/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/acp-permission.h"
#include "agents/acp-replies.h"
#include "agents/command-line.h"
#include "agents/gemini-sessions.h"
#include "agents/kind.h"
#include "agents/line-facts.h"

/*
 * Any agent that speaks the Agent Client Protocol, version 1, on its stdin and stdout, one message
 * a line: claude-agent-acp 0.101, codex-acp 0.16, gemini 0.61, opencode 1.18, qwen 0.24, kimi 2.1.
 */

/* Its prompt is given to it once there is a session: see acp_reply(). */
static void build(CommandLine *line)
{
    command_line_add_program(line);
    command_line_add_args(line);
    line->stdin_text = acp_build_initialize();
}

/* --- Updates --- */

/* These come between the pieces of a message. */
static gboolean is_beside_messages(LineJson json)
{
    static const char *const kinds[] = {"usage_update", "available_commands_update",
                                        "current_mode_update", "config_option_update",
                                        "session_info_update"};
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (line_json_is(json, "params.update.sessionUpdate", kinds[i]))
            return TRUE;
    return FALSE;
}

static gboolean is_update(LineJson json, const char *kind)
{
    return line_json_is(json, "params.update.sessionUpdate", kind);
}

static void read_update(LineJson json, DecodedLine *line)
{
    gboolean speaks = is_update(json, "agent_message_chunk");
    line_read_session(json, "params.sessionId", line);
    line->is_update = TRUE;
    line->ends_it = !speaks && !is_beside_messages(json);
    line->facts.assistant = speaks || is_update(json, "tool_call");
    if (speaks) {
        line->piece = line_dup_string(json, "params.update.content.text");
        line->message = line_dup_string(json, "params.update.messageId");
    }
    if (is_update(json, "tool_call_update") &&
        (line_json_is(json, "params.update.status", "failed") ||
         line_json_is(json, "params.update.status", "completed")))
        line_settle(line, line_dup_string(json, "params.update.toolCallId"));
    if (is_update(json, "usage_update"))
        line_read_cost(json, "params.update.cost.amount", &line->facts.session);
}

/* --- Responses --- */

/* What went wrong is in the details as often as in the message. */
static char *error_of(LineJson json)
{
    static const char *const details[] = {"error.data", "error.data.details", "error.data.message",
                                          "error.data.error"};
    const char *message = line_json_string(json, "error.message") ?: "an error without a message";
    for (gsize i = 0; i < G_N_ELEMENTS(details); i++) {
        const char *detail = line_json_string(json, details[i]);
        if (detail && *detail)
            return g_strdup_printf("%s: %s", message, detail);
    }
    return g_strdup(message);
}

static void read_setting(LineJson json, const char *what, DecodedLine *line)
{
    if (!line_json_is_set(json, "error"))
        return;
    g_autofree char *error = error_of(json);
    line_close_run(line, FALSE, g_strdup_printf("its %s cannot be set: %s", what, error));
}

static void read_initialize(LineJson json, DecodedLine *line)
{
    guint64 version = 0;
    if (line_json_is_set(json, "error")) {
        line_close_run(line, FALSE, error_of(json));
        return;
    }
    line_json_uint(json, "result.protocolVersion", G_MAXUINT32, &version);
    if (version != ACP_VERSION)
        line_close_run(line, FALSE,
                       g_strdup_printf("it speaks version %" G_GUINT64_FORMAT
                                       " of the Agent Client Protocol, and not version %u",
                                       version, ACP_VERSION));
}

static void read_session(LineJson json, DecodedLine *line)
{
    if (line_json_is_set(json, "error")) {
        line_close_run(line, FALSE, error_of(json));
        return;
    }
    line_read_session(json, "result.sessionId", line);
    line->facts.opening = TRUE;
}

static void read_turn_usage(LineJson json, Usage *used)
{
    if (line_json_is_set(json, "result.usage"))
        line_read_tokens(json, used,
                         (LineTokens){.input = "result.usage.inputTokens",
                                      .cached = "result.usage.cachedReadTokens",
                                      .written = "result.usage.cachedWriteTokens",
                                      .output = "result.usage.outputTokens",
                                      .input_is_rest = TRUE});
    else
        line_read_tokens(json, used,
                         (LineTokens){.input = "result._meta.quota.token_count.input_tokens",
                                      .output = "result._meta.quota.token_count.output_tokens"});
}

static const char *describe_stop(const char *reason)
{
    static const struct {
        const char *reason, *words;
    } known[] = {
        {"cancelled", "the turn was cancelled"},
        {"refusal", "the agent refused to go on"},
        {"max_tokens", "the agent reached its limit of tokens"},
        {"max_turn_requests", "the agent reached its limit of requests in a turn"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(reason, known[i].reason))
            return known[i].words;
    return reason;
}

static void read_turn(LineJson json, DecodedLine *line)
{
    line->ends_it = TRUE;
    if (line_json_is_set(json, "error")) {
        line_close_run(line, FALSE, error_of(json));
        return;
    }
    const char *reason = line_json_string(json, "result.stopReason") ?: "a turn without an end";
    gboolean success = g_str_equal(reason, "end_turn");
    line_close_run(line, success, success ? NULL : g_strdup(describe_stop(reason)));
    read_turn_usage(json, &line->facts.used);
}

static void read_response(LineJson json, guint64 id, DecodedLine *line)
{
    line->facts.due = TRUE;
    if (id >= ACP_PROMPT)
        read_turn(json, line);
    else if (id == ACP_INITIALIZE)
        read_initialize(json, line);
    else if (id == ACP_SESSION)
        read_session(json, line);
    else
        read_setting(json, id == ACP_MODEL ? "model" : "mode", line);
}

/* --- All lines --- */

static void read_request(LineJson json, DecodedLine *line)
{
    line->facts.due = TRUE;
    line->ends_it = TRUE;
    if (line_json_is(json, "method", ACP_ASK))
        line->facts.question = acp_read_question(json);
}

static void read_line(LineJson json, DecodedLine *line)
{
    guint64 id = acp_response_id(json);
    if (id > 0)
        read_response(json, id, line);
    else if (!line_json_string(json, "method"))
        return;
    else if (line_json_is_set(json, "id"))
        read_request(json, line);
    else if (line_json_is(json, "method", "session/update"))
        read_update(json, line);
}

static const char *const keys[] = {"prompt", "model", "mode", "resume", "interactive", "mcp", NULL};

static const KindLine lines[] = {
    {NULL, read_line},
    {NULL},
};

const AgentKind agent_kind_acp = {
    .name = "acp",
    .keys = keys,
    .build = build,
    .lines = lines,
    .look_after_sessions = gemini_look_after_sessions,
    .counts_session = TRUE,
    .build_answer = acp_build_answer,
    .reply = acp_reply,
};
