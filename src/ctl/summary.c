/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/summary.h"

#include "ctl/format.h"
#include "ctl/json-path.h"
#include "ctl/text.h"

typedef char *(*Summarise)(JsonObject *line, Style *ret_style);

/* The arguments of a tool, the most telling first. */
static const char *const telling_arguments[] = {
    "command", "file_path", "filePath", "path",  "pattern", "query",
    "url",     "skill",     "prompt",   "input", "name",    "description",
};

static const char *tool_argument(JsonObject *input)
{
    for (gsize i = 0; i < G_N_ELEMENTS(telling_arguments); i++) {
        const char *argument = json_get_string(input, telling_arguments[i]);
        if (argument && *argument)
            return argument;
    }
    return NULL;
}

static char *tool_use(const char *name, const char *argument)
{
    g_autofree char *line = text_first_line(argument ?: "");
    return g_strdup_printf("%s %s  %s", text_glyph("→", ">"), name ?: "tool", line);
}

static char *tool_result(const char *text, gboolean failed, Style *ret_style)
{
    g_autofree char *line = text_first_line(text ?: "");
    if (failed)
        *ret_style = STYLE_BAD;
    else if (!*line)
        return NULL;
    return g_strdup_printf("%s %s%s", text_glyph("←", "<"), failed ? "failed: " : "", line);
}

static void join(GString *lines, char *line)
{
    if (line && lines->len > 0)
        g_string_append(lines, "  ");
    if (line)
        g_string_append(lines, line);
    g_free(line);
}

static char *finish(GString *lines)
{
    if (lines->len > 0)
        return g_string_free(lines, FALSE);
    g_string_free(lines, TRUE);
    return NULL;
}

static JsonArray *message_content(JsonObject *line)
{
    return json_get_array(json_get_object(line, "message"), "content");
}

/* The content of a tool's result is a string, or blocks of which some are text. */
static const char *result_text(JsonObject *block)
{
    JsonArray *parts = json_get_array(block, "content");
    for (guint i = 0; i < json_array_length(parts); i++) {
        const char *text = json_get_string(json_array_get_object(parts, i), "text");
        if (text)
            return text;
    }
    return json_get_string(block, "content");
}

static char *claude_block(JsonObject *block, Style *ret_style)
{
    const char *type = json_get_string(block, "type");
    if (g_strcmp0(type, "tool_use") == 0)
        return tool_use(json_get_string(block, "name"),
                        tool_argument(json_get_object(block, "input")));
    if (g_strcmp0(type, "tool_result") == 0)
        return tool_result(result_text(block), json_get_boolean(block, "is_error"), ret_style);
    if (g_strcmp0(type, "thinking") != 0)
        return NULL;
    g_autofree char *thought = text_first_line(json_get_string(block, "thinking") ?: "");
    return *thought ? g_strdup_printf("thinks: %s", thought) : NULL;
}

static char *claude_message(JsonObject *line, Style *ret_style)
{
    JsonArray *content = message_content(line);
    GString *lines = g_string_new(NULL);
    for (guint i = 0; i < json_array_length(content); i++)
        join(lines, claude_block(json_array_get_object(content, i), ret_style));
    return finish(lines);
}

static char *claude_retry(JsonObject *line)
{
    g_autofree char *delay = format_span((guint64)json_get_int(line, "retry_delay_ms") * 1000);
    return g_strdup_printf("the API failed, retrying in %s (%" G_GINT64_FORMAT
                           " of %" G_GINT64_FORMAT ")",
                           delay, json_get_int(line, "attempt"), json_get_int(line, "max_retries"));
}

static char *claude_system(JsonObject *line, Style *ret_style)
{
    const char *subtype = json_get_string(line, "subtype");
    if (g_strcmp0(subtype, "init") == 0)
        return g_strdup_printf("session %s, %s", json_get_string(line, "session_id") ?: "?",
                               json_get_string(line, "model") ?: "model unknown");
    if (g_strcmp0(subtype, "api_retry") != 0)
        return NULL;
    *ret_style = STYLE_WARN;
    return claude_retry(line);
}

static char *claude_rate_limit(JsonObject *line, Style *ret_style)
{
    JsonObject *limit = json_get_object(line, "rate_limit_info");
    gint64 reset = json_get_int(limit, "resetsAt");
    if (g_strcmp0(json_get_string(limit, "status"), "rejected") != 0)
        return NULL;
    *ret_style = STYLE_WARN;
    g_autofree char *when = format_time((guint64)MAX(reset, 0) * G_USEC_PER_SEC);
    return reset > 0 ? g_strdup_printf("rate limit reached, resets %s", when)
                     : g_strdup("rate limit reached");
}

static char *failed_result(JsonObject *line, Style *ret_style)
{
    const char *text = json_get_string(line, "result") ?: json_get_string(line, "subtype");
    g_autofree char *first = text_first_line(text ?: "without a reason");
    *ret_style = STYLE_BAD;
    return g_strdup_printf("failed: %s", first);
}

/* claude's and gemini's closing lines share the type. For a success, the event `done` has all of
 * it. */
static char *any_result(JsonObject *line, Style *ret_style)
{
    if (json_get_boolean(line, "is_error") ||
        g_strcmp0(json_get_string(line, "status"), "error") == 0)
        return failed_result(line, ret_style);
    return NULL;
}

static char *opencode_tool(JsonObject *part, Style *ret_style)
{
    JsonObject *state = json_get_object(part, "state");
    gboolean failed = g_strcmp0(json_get_string(state, "status"), "error") == 0;
    const char *output = json_get_string(state, failed ? "error" : "output");
    GString *lines = g_string_new(NULL);
    join(lines,
         tool_use(json_get_string(part, "tool"), tool_argument(json_get_object(state, "input"))));
    join(lines, tool_result(output, failed, ret_style));
    return finish(lines);
}

/* gemini's and opencode's. */
static char *any_tool_use(JsonObject *line, Style *ret_style)
{
    JsonObject *part = json_get_object(line, "part");
    if (part)
        return opencode_tool(part, ret_style);
    return tool_use(json_get_string(line, "tool_name"),
                    tool_argument(json_get_object(line, "parameters")));
}

static char *gemini_tool_result(JsonObject *line, Style *ret_style)
{
    gboolean failed = g_strcmp0(json_get_string(line, "status"), "success") != 0;
    return tool_result(json_get_string(line, "output"), failed, ret_style);
}

static char *gemini_init(JsonObject *line, Style *ret_style)
{
    return g_strdup_printf("session %s, %s", json_get_string(line, "session_id") ?: "?",
                           json_get_string(line, "model") ?: "model unknown");
}

static char *codex_thread(JsonObject *line, Style *ret_style)
{
    return g_strdup_printf("session %s", json_get_string(line, "thread_id") ?: "?");
}

static char *codex_item_started(JsonObject *line, Style *ret_style)
{
    JsonObject *item = json_get_object(line, "item");
    const char *command = json_get_string(item, "command");
    return command ? tool_use("shell", command) : NULL;
}

static char *codex_item_completed(JsonObject *line, Style *ret_style)
{
    JsonObject *item = json_get_object(line, "item");
    const char *type = json_get_string(item, "type");
    if (g_strcmp0(type, "command_execution") == 0)
        return tool_result(json_get_string(item, "aggregated_output"),
                           json_get_int(item, "exit_code") != 0, ret_style);
    if (g_strcmp0(type, "error") != 0)
        return NULL;
    *ret_style = STYLE_WARN;
    return text_first_line(json_get_string(item, "message") ?: "error");
}

/* codex's turn.failed, opencode's error: {"error":{"message":…}}, or with data.message in it. */
static char *any_error(JsonObject *line, Style *ret_style)
{
    JsonObject *error = json_get_object(line, "error");
    const char *text = json_get_string(error, "message");
    if (!text)
        text = json_get_string(json_get_object(error, "data"), "message");
    if (!text)
        text = json_get_string(line, "message");
    g_autofree char *first = text_first_line(text ?: "without a reason");
    *ret_style = STYLE_BAD;
    return g_strdup_printf("failed: %s", first);
}

/* A message of the Agent Client Protocol has no type. */
static char *acp_update(JsonObject *line, Style *ret_style)
{
    JsonObject *update = json_get_object(json_get_object(line, "params"), "update");
    const char *kind = json_get_string(update, "sessionUpdate");
    const char *title = json_get_string(update, "title");
    if (g_strcmp0(kind, "tool_call") == 0)
        return tool_use(json_get_string(update, "kind"), title);
    gboolean failed = g_strcmp0(json_get_string(update, "status"), "failed") == 0;
    return failed ? tool_result(title, TRUE, ret_style) : NULL;
}

static const struct {
    const char *type;
    Summarise summarise;
} summaries[] = {
    {"assistant", claude_message},
    {"user", claude_message},
    {"system", claude_system},
    {"rate_limit_event", claude_rate_limit},
    {"result", any_result},
    {"tool_use", any_tool_use},
    {"tool_result", gemini_tool_result},
    {"init", gemini_init},
    {"thread.started", codex_thread},
    {"item.started", codex_item_started},
    {"item.completed", codex_item_completed},
    {"turn.failed", any_error},
    {"error", any_error},
};

char *summarise_line(JsonObject *line, Style *ret_style)
{
    const char *type = json_get_string(line, "type");
    *ret_style = STYLE_DIM;
    if (!type && g_strcmp0(json_get_string(line, "method"), "session/update") == 0)
        return acp_update(line, ret_style);
    for (gsize i = 0; i < G_N_ELEMENTS(summaries); i++)
        if (g_strcmp0(type, summaries[i].type) == 0)
            return summaries[i].summarise(line, ret_style);
    return NULL;
}
