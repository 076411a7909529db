/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>

#include "agents/claude-questions.h"
#include "agents/command-line.h"
#include "agents/kind.h"
#include "agents/line-facts.h"
#include "agents/mcp-server.h"

/*
 * Anthropic's Claude Code, from 1.0.128 to 2.1.332: `claude -p --output-format stream-json`.
 */

#define MAX_SECONDS G_GUINT64_CONSTANT(253402300799) /* the end of the year 9999 */

/* --- Messages --- */

static void add_string_member(JsonBuilder *builder, const char *name, const char *value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_string_value(builder, value);
}

/* {"type":"user","message":{"role":"user","content":[{"type":"text","text":TEXT}]}} */
static char *build_message(const char *text)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    add_string_member(builder, "type", "user");
    json_builder_set_member_name(builder, "message");
    json_builder_begin_object(builder);
    add_string_member(builder, "role", "user");
    json_builder_set_member_name(builder, "content");
    json_builder_begin_array(builder);
    json_builder_begin_object(builder);
    add_string_member(builder, "type", "text");
    add_string_member(builder, "text", text);
    json_builder_end_object(builder);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    json_builder_end_object(builder);

    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *json = json_to_string(root, FALSE);
    return g_strconcat(json, "\n", NULL);
}

/* --- The command line --- */

static void add_each(GString *joined, char *const *rules)
{
    for (; rules && *rules; rules++)
        g_string_append_printf(joined, "%s%s", joined->len > 0 ? "," : "", *rules);
}

/* Both lists as one argument: rules may hold commas and spaces inside of their brackets only. */
static void add_rules(CommandLine *line, const char *option, char *const *rules, char *const *more)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    add_each(joined, rules);
    add_each(joined, more);
    if (joined->len > 0)
        command_line_add_option(line, option, joined->str);
}

/* In its mode `default` it asks whoever answers on stdin; where nobody does, it refuses. */
static void add_permissions(CommandLine *line)
{
    PermissionMode mode = line->agent->permissions.mode;
    command_line_add_option(line, "--permission-mode",
                            mode == PERMISSION_BYPASS ? "bypassPermissions" : "default");
    if (mode == PERMISSION_ASK)
        command_line_add_option(line, "--permission-prompt-tool", "stdio");
}

static void add_options(CommandLine *line)
{
    const AgentConfig *agent = line->agent;
    command_line_add_option(line, "--model", agent->model);
    add_rules(line, "--allowedTools", agent->allowed_tools, agent->permissions.allow);
    add_rules(line, "--disallowedTools", agent->permissions.deny, NULL);
    if (agent->max_turns > 0) {
        g_autofree char *turns = g_strdup_printf("%u", agent->max_turns);
        command_line_add_option(line, "--max-turns", turns);
    }
    command_line_add_amount(line, "--max-budget-usd", agent->max_budget_usd);
    if (agent->system_prompt) {
        command_line_add(line, "--append-system-prompt");
        command_line_add_expanded(line, agent->system_prompt);
    }
    command_line_add_option(line, "--resume", line->context->resume);
    command_line_add_option(line, "--output-format", "stream-json");
    command_line_add(line, "--verbose");
    add_permissions(line);
    if (agent->mcp) {
        g_autofree char *server = mcp_server_as_settings(line->context);
        command_line_add_option(line, "--mcp-config", server);
    }
}

static void build(CommandLine *line)
{
    gboolean messages = agent_config_reads_messages(line->agent);
    command_line_add_program(line);
    command_line_add(line, "-p");
    if (!messages && command_line_prompt_fits(line))
        command_line_add(line, line->prompt);
    command_line_add_args(line);
    add_options(line);
    if (messages) {
        command_line_add_option(line, "--input-format", "stream-json");
        line->stdin_text = build_message(line->prompt);
    } else if (command_line_prompt_is_long(line)) {
        command_line_prompt_to_stdin(line);
    } else if (!command_line_prompt_fits(line)) {
        command_line_add_option(line, "--", line->prompt);
    }
}

/* --- The lines --- */

static void read_system(LineJson json, DecodedLine *line)
{
    line_read_session(json, "session_id", line);
    line->facts.opening = line_json_is(json, "subtype", "init");
}

/* Words of the CLI itself (an API's error, a slash command's answer) come as an assistant's too. */
static gboolean is_synthetic(LineJson json)
{
    return line_json_is(json, "message.model", "<synthetic>") ||
           line_json_is_set(json, "is_api_error_message") ||
           line_json_is_set(json, "isApiErrorMessage");
}

static void read_assistant(LineJson json, DecodedLine *line)
{
    line->facts.assistant = !is_synthetic(json);
    line_read_texts(json, "message.content", line);
}

static void join_string(LineJson element, gpointer joined)
{
    const char *text = line_json_string(element, "");
    if (text)
        g_string_append_printf(joined, "%s%s", ((GString *)joined)->len > 0 ? "; " : "", text);
}

static char *join_errors(LineJson json)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    line_json_foreach(json, "errors", join_string, joined);
    return joined->len > 0 ? g_string_free(g_steal_pointer(&joined), FALSE) : NULL;
}

/* `result` says it best; where the CLI cut the run short, `errors` is in its place. The subtype
 * comes last: it is "success" for many an error. */
static char *error_of(LineJson json)
{
    g_autofree char *error = line_dup_string(json, "result");
    if (!error)
        error = join_errors(json);
    if (!error && !line_json_is(json, "subtype", "success"))
        error = line_dup_string(json, "subtype");
    return g_steal_pointer(&error);
}

/* The use of one model since the last result. */
static void read_model_usage(LineJson model, gpointer data)
{
    Usage *used = data;
    line_read_cost(model, "costUSD", used);
    line_read_tokens(model, used,
                     (LineTokens){.input = "inputTokens",
                                  .cached = "cacheReadInputTokens",
                                  .written = "cacheCreationInputTokens",
                                  .output = "outputTokens",
                                  .input_is_rest = TRUE});
}

/* Since 2.1.330 at the latest, the total covers the session's whole past, and there is a separate
 * count since the last result. Before, the total covered this process. */
static void read_usage(LineJson json, DecodedLine *line)
{
    Usage *used = &line->facts.used;
    line_read_count(json, "num_turns", USAGE_TURNS, used);
    if (line_json_is_set(json, "model_usage_since_last_result")) {
        used->has_cost = TRUE;
        used->has[USAGE_INPUT_TOKENS] = TRUE;
        used->has[USAGE_CACHED_INPUT_TOKENS] = TRUE;
        used->has[USAGE_OUTPUT_TOKENS] = TRUE;
        line_json_foreach(json, "model_usage_since_last_result", read_model_usage, used);
        return;
    }
    line_read_cost(json, "total_cost_usd", &line->facts.so_far);
    line_read_tokens(json, used,
                     (LineTokens){.input = "usage.input_tokens",
                                  .cached = "usage.cache_read_input_tokens",
                                  .written = "usage.cache_creation_input_tokens",
                                  .output = "usage.output_tokens",
                                  .input_is_rest = TRUE});
}

/* A resume of a session whose background task was cut short begins with a result from before the
 * model was asked: it has no turn. */
static void read_result(LineJson json, DecodedLine *line)
{
    gboolean success = !line_json_is_set(json, "is_error");
    const Usage *used = &line->facts.used;
    line_close_run(line, success, success ? NULL : error_of(json));
    read_usage(json, line);
    line->facts.empty = success && used->has[USAGE_TURNS] && used->counts[USAGE_TURNS] == 0;
}

static void read_reset(LineJson json, const char *status, const char *resets_at, DecodedLine *line)
{
    guint64 seconds;
    if (line_json_is(json, status, "rejected") &&
        line_json_uint(json, resets_at, MAX_SECONDS, &seconds))
        line->facts.retry_at = seconds * G_USEC_PER_SEC;
}

static void read_rate_limit(LineJson json, DecodedLine *line)
{
    read_reset(json, "status", "resetsAt", line);
    read_reset(json, "rate_limit_info.status", "rate_limit_info.resetsAt", line);
}

static const char *const keys[] = {
    "prompt",         "model",         "resume",        "interactive", "max_turns",
    "max_budget_usd", "allowed_tools", "system_prompt", "mcp",         NULL,
};

static const KindLine lines[] = {
    {"system", read_system},
    {"assistant", read_assistant},
    {"user", claude_read_user},
    {"result", read_result, line_read_long_result},
    {"rate_limit_event", read_rate_limit},
    {"control_request", claude_read_request},
    {"control_cancel_request", claude_read_cancel},
    {NULL},
};

const AgentKind agent_kind_claude = {
    .name = "claude",
    .program = "claude",
    .keys = keys,
    .build = build,
    .lines = lines,
    .closing_type = "result",
    .build_message = build_message,
    .build_answer = claude_build_answer,
    .tells_limits = TRUE,
};
