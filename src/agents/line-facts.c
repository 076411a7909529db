/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/line-facts.h"

#include <string.h>

#include "agents/line-json.h"

#define MAX_COUNT (G_GUINT64_CONSTANT(1) << 53)
#define MAX_SECONDS G_GUINT64_CONSTANT(253402300799) /* the end of the year 9999 */

/* More is no cost, and json-glib's versions differ in what they make of a number that is too big.
 */
#define MAX_COST_USD 1e12

static void add_text(DecodedLine *line, const char *text)
{
    if (!text)
        return;
    if (!line->texts)
        line->texts = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(line->texts, g_strdup(text));
}

static char *dup_non_empty(const char *text)
{
    return text && *text ? g_strdup(text) : NULL;
}

static void read_session(JsonObject *json, const char *path, LineFacts *facts)
{
    facts->session_id = dup_non_empty(line_json_string(json, path));
}

static void read_cost(JsonObject *json, const char *path, LineFacts *facts)
{
    facts->has_cost = line_json_double(json, path, MAX_COST_USD, &facts->cost_usd);
}

static void read_tokens(JsonObject *json, const char *input_path, const char *output_path,
                        LineFacts *facts)
{
    facts->has_input_tokens = line_json_uint(json, input_path, MAX_COUNT, &facts->input_tokens);
    facts->has_output_tokens = line_json_uint(json, output_path, MAX_COUNT, &facts->output_tokens);
}

/* @error is taken over, NULL where the CLI has no words. */
static void close_run(LineFacts *facts, gboolean success, char *error)
{
    facts->closing = TRUE;
    facts->success = success;
    facts->error = error;
}

/* claude */

static void read_claude_system(JsonObject *json, DecodedLine *line)
{
    read_session(json, "session_id", &line->facts);
    line->facts.opening = line_json_is(json, "subtype", "init");
}

/* Words of the CLI itself (an API's error, a slash command's answer) come as an assistant's too. */
static gboolean is_synthetic(JsonObject *json)
{
    return line_json_is(json, "message.model", "<synthetic>") ||
           line_json_is_set(json, "is_api_error_message") ||
           line_json_is_set(json, "isApiErrorMessage");
}

static void read_claude_assistant(JsonObject *json, DecodedLine *line)
{
    JsonArray *content = line_json_array(json, "message.content");
    guint n = content ? json_array_get_length(content) : 0;

    line->facts.assistant = !is_synthetic(json);
    for (guint i = 0; i < n; i++) {
        JsonObject *element = line_json_element(content, i);

        if (element)
            add_text(line, line_json_string(element, "text"));
    }
}

/* `result` says it best; where the CLI cut the run short, `errors` is in its place. The subtype
 * comes last: it is "success" for many an error. */
static char *claude_error(JsonObject *json)
{
    g_autofree char *error = dup_non_empty(line_json_string(json, "result"));
    JsonArray *errors = line_json_array(json, "errors");

    if (!error && errors)
        error = line_json_join(errors);
    if (!error && !line_json_is(json, "subtype", "success"))
        error = dup_non_empty(line_json_string(json, "subtype"));
    return g_steal_pointer(&error);
}

static void read_claude_result(JsonObject *json, DecodedLine *line)
{
    LineFacts *facts = &line->facts;
    gboolean success = !line_json_is_set(json, "is_error");
    guint64 turns;

    close_run(facts, success, success ? NULL : claude_error(json));
    read_cost(json, "total_cost_usd", facts);
    read_tokens(json, "usage.input_tokens", "usage.output_tokens", facts);
    facts->has_turns = line_json_uint(json, "num_turns", G_MAXUINT, &turns);
    if (facts->has_turns)
        facts->turns = (guint)turns;
}

static void read_reset(JsonObject *limit, LineFacts *facts)
{
    guint64 seconds;

    if (line_json_is(limit, "status", "rejected") &&
        line_json_uint(limit, "resetsAt", MAX_SECONDS, &seconds))
        facts->retry_at = seconds * G_USEC_PER_SEC;
}

static void read_claude_rate_limit(JsonObject *json, DecodedLine *line)
{
    JsonObject *info = line_json_object(json, "rate_limit_info");

    read_reset(json, &line->facts);
    if (info)
        read_reset(info, &line->facts);
}

/* codex */

static void read_codex_started(JsonObject *json, DecodedLine *line)
{
    read_session(json, "thread_id", &line->facts);
    line->facts.opening = TRUE;
}

static void read_codex_item(JsonObject *json, DecodedLine *line)
{
    const char *type = line_json_string(json, "item.type");

    line->facts.assistant = type && !g_str_equal(type, "error");
    if (g_strcmp0(type, "agent_message") == 0)
        add_text(line, line_json_string(json, "item.text"));
}

static void read_codex_completed(JsonObject *json, DecodedLine *line)
{
    close_run(&line->facts, TRUE, NULL);
    read_tokens(json, "usage.input_tokens", "usage.output_tokens", &line->facts);
}

static void read_codex_failed(JsonObject *json, DecodedLine *line)
{
    close_run(&line->facts, FALSE, dup_non_empty(line_json_string(json, "error.message")));
}

/* gemini */

static void read_gemini_init(JsonObject *json, DecodedLine *line)
{
    read_session(json, "session_id", &line->facts);
    line->facts.opening = TRUE;
}

static void read_gemini_message(JsonObject *json, DecodedLine *line)
{
    if (!line_json_is(json, "role", "assistant"))
        return;
    line->facts.assistant = TRUE;
    add_text(line, line_json_string(json, "content"));
}

static void read_gemini_tool(JsonObject *json, DecodedLine *line)
{
    line->facts.assistant = TRUE;
}

static void read_gemini_result(JsonObject *json, DecodedLine *line)
{
    gboolean success = line_json_is(json, "status", "success");
    const char *error = success ? NULL : line_json_string(json, "error.message");

    close_run(&line->facts, success, dup_non_empty(error));
    read_tokens(json, "stats.input_tokens", "stats.output_tokens", &line->facts);
}

/* opencode */

static void read_opencode_any(JsonObject *json, DecodedLine *line)
{
    read_session(json, "sessionID", &line->facts);
}

static void read_opencode_start(JsonObject *json, DecodedLine *line)
{
    line->facts.opening = TRUE;
}

static void read_opencode_text(JsonObject *json, DecodedLine *line)
{
    line->facts.assistant = TRUE;
    add_text(line, line_json_string(json, "part.text"));
}

static void read_opencode_tool(JsonObject *json, DecodedLine *line)
{
    line->facts.assistant = TRUE;
}

/* A step that asked for tools is followed by another. */
static void read_opencode_finish(JsonObject *json, DecodedLine *line)
{
    if (line_json_is(json, "part.reason", "stop"))
        close_run(&line->facts, TRUE, NULL);
    line->facts.step = TRUE;
    read_cost(json, "part.cost", &line->facts);
    read_tokens(json, "part.tokens.input", "part.tokens.output", &line->facts);
}

static void read_opencode_error(JsonObject *json, DecodedLine *line)
{
    char *error = dup_non_empty(line_json_string(json, "error.data.message"));

    close_run(&line->facts, FALSE,
              error ? error : dup_non_empty(line_json_string(json, "error.name")));
}

/* Lines that are too long for json-glib. They are valid objects, so little has to be looked at. */

/* Where the string that begins at @p, with its quote, has ended. */
static const char *skip_string(const char *p)
{
    for (p++; *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p + 1;
}

/* The line does not end in a NUL: it is looked at where it was read. */
static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

static gboolean begins_with(const char *p, const char *end, const char *text)
{
    gsize length = strlen(text);
    return (gsize)(end - p) >= length && memcmp(p, text, length) == 0;
}

/* Whether @key, written with its quotes, is a top-level member of @json that begins as @value. */
static gboolean top_level_is(const char *json, gsize length, const char *key, const char *value)
{
    const char *end = json + length;
    gboolean matches = FALSE;
    int depth = 0;

    for (const char *p = json; p < end;) {
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        if (*p != '"') {
            p++;
            continue;
        }
        gboolean is_key = depth == 1 && begins_with(p, end, key);
        p = skip_space(skip_string(p), end);
        if (is_key && begins_with(p, end, ":")) {
            p = skip_space(p + 1, end);
            matches = begins_with(p, end, value);
        }
    }
    return matches;
}

void line_facts_read_long(AgentKind kind, const char *type, const char *json, gsize length,
                          DecodedLine *line)
{
    if (kind == AGENT_KIND_CLAUDE && g_str_equal(type, "result"))
        close_run(&line->facts, !top_level_is(json, length, "\"is_error\"", "true"), NULL);
}

/* The lines that mean something; a NULL type stands for every line of the kind. */
static const struct {
    AgentKind kind;
    const char *type;
    void (*read)(JsonObject *json, DecodedLine *line);
} readers[] = {
    {AGENT_KIND_CLAUDE, "system", read_claude_system},
    {AGENT_KIND_CLAUDE, "assistant", read_claude_assistant},
    {AGENT_KIND_CLAUDE, "result", read_claude_result},
    {AGENT_KIND_CLAUDE, "rate_limit_event", read_claude_rate_limit},
    {AGENT_KIND_CODEX, "thread.started", read_codex_started},
    {AGENT_KIND_CODEX, "item.completed", read_codex_item},
    {AGENT_KIND_CODEX, "turn.completed", read_codex_completed},
    {AGENT_KIND_CODEX, "turn.failed", read_codex_failed},
    {AGENT_KIND_GEMINI, "init", read_gemini_init},
    {AGENT_KIND_GEMINI, "message", read_gemini_message},
    {AGENT_KIND_GEMINI, "tool_use", read_gemini_tool},
    {AGENT_KIND_GEMINI, "result", read_gemini_result},
    {AGENT_KIND_OPENCODE, NULL, read_opencode_any},
    {AGENT_KIND_OPENCODE, "step_start", read_opencode_start},
    {AGENT_KIND_OPENCODE, "text", read_opencode_text},
    {AGENT_KIND_OPENCODE, "tool_use", read_opencode_tool},
    {AGENT_KIND_OPENCODE, "step_finish", read_opencode_finish},
    {AGENT_KIND_OPENCODE, "error", read_opencode_error},
};

void line_facts_read(AgentKind kind, const char *type, const char *json, gsize length,
                     DecodedLine *line)
{
    g_autoptr(JsonObject) object = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(readers); i++) {
        if (readers[i].kind != kind || (readers[i].type && !g_str_equal(readers[i].type, type)))
            continue;
        if (!object)
            object = line_json_parse(json, length);
        if (!object)
            return;
        readers[i].read(object, line);
    }
}
