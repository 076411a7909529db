/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/acp-replies.h"

#include "agents/acp-permission.h"
#include "agents/json-text.h"

#define MAX_ID (G_GUINT64_CONSTANT(1) << 53)

guint64 acp_response_id(LineJson line)
{
    guint64 id;
    if (line_json_is_set(line, "method") || !line_json_uint(line, "id", MAX_ID, &id))
        return 0;
    return id;
}

/* --- Requests --- */

static GString *begin(guint64 id, const char *method)
{
    GString *json = g_string_new(NULL);
    g_string_append_printf(
        json, "{\"jsonrpc\":\"2.0\",\"id\":%" G_GUINT64_FORMAT ",\"method\":\"%s\",\"params\":{",
        id, method);
    return json;
}

/* Its commas are the caller's. */
static void append_member(GString *json, const char *name, const char *value)
{
    g_string_append_printf(json, "\"%s\":", name);
    json_append_string(json, value ?: "");
}

static char *end(GString *json, const char *rest)
{
    g_string_append(json, rest);
    return g_string_free(json, FALSE);
}

static AgentReply say(char *text_taken)
{
    return (AgentReply){.kind = REPLY_TEXT, .text = text_taken};
}

/* A client that offered files or terminals would have the agent's work to do for it. */
char *acp_build_initialize(void)
{
    GString *json = begin(ACP_INITIALIZE, "initialize");
    return end(json, "\"protocolVersion\":1,\"clientCapabilities\":{\"fs\":{\"readTextFile\":false,"
                     "\"writeTextFile\":false},\"terminal\":false},\"clientInfo\":{\"name\":"
                     "\"storkit\",\"version\":\"" STORKIT_VERSION "\"}}}\n");
}

static const char *session(const ReplyContext *context)
{
    return context->session_id ?: context->resume;
}

static AgentReply open_session(const ReplyContext *context)
{
    GString *json = begin(ACP_SESSION, context->resume ? "session/load" : "session/new");
    if (context->resume) {
        append_member(json, "sessionId", context->resume);
        g_string_append_c(json, ',');
    }
    append_member(json, "cwd", context->folder);
    g_string_append_printf(json, ",\"mcpServers\":%s", context->mcp_servers ?: "[]");
    return say(end(json, "}}\n"));
}

/* --- Mode and model --- */

typedef struct {
    const char *category;
    const char *id; /* of the first option of that category, or NULL */
} OptionSearch;

static void look_at_option(LineJson option, gpointer data)
{
    OptionSearch *search = data;
    if (!search->id && line_json_is(option, "category", search->category))
        search->id = line_json_string(option, "id");
}

/* A session has its modes and models by themselves (gemini), among its options (opencode, codex),
 * or both (claude). */
static const char *find_option(LineJson line, const char *category)
{
    OptionSearch search = {category, NULL};
    line_json_foreach(line, "result.configOptions", look_at_option, &search);
    return search.id;
}

static AgentReply set_option(guint64 id, const char *option, const char *value,
                             const ReplyContext *context)
{
    GString *json = begin(id, "session/set_config_option");
    append_member(json, "sessionId", session(context));
    g_string_append_c(json, ',');
    append_member(json, "configId", option);
    g_string_append_c(json, ',');
    append_member(json, "value", value);
    return say(end(json, "}}\n"));
}

static AgentReply set_by(guint64 id, const char *method, const char *name, const char *value,
                         const ReplyContext *context)
{
    GString *json = begin(id, method);
    append_member(json, "sessionId", session(context));
    g_string_append_c(json, ',');
    append_member(json, name, value);
    return say(end(json, "}}\n"));
}

/* --- Messages --- */

static char *build_prompt(guint n, const char *text, const ReplyContext *context)
{
    GString *json = begin(ACP_PROMPT + n, "session/prompt");
    append_member(json, "sessionId", session(context));
    g_string_append(json, ",\"prompt\":[{\"type\":\"text\",");
    append_member(json, "text", text);
    return end(json, "}]}}\n");
}

static char *build_cancel(const ReplyContext *context)
{
    GString *json = g_string_new("{\"jsonrpc\":\"2.0\",\"method\":\"session/cancel\",\"params\":{");
    append_member(json, "sessionId", session(context));
    return end(json, "}}\n");
}

static AgentReply give_message(guint n, const ReplyContext *context)
{
    g_autofree char *text = context->read_message(n, context->data);
    if (!text)
        return (AgentReply){.kind = REPLY_WAIT};
    if (!*text)
        return (AgentReply){.kind = REPLY_END};
    AgentReply reply = say(build_prompt(n, text, context));
    reply.is_prompt = TRUE;
    reply.is_first = n == 0;
    reply.cancel = build_cancel(context);
    return reply;
}

static AgentReply set_model(const char *option, const ReplyContext *context)
{
    if (!context->model)
        return give_message(0, context);
    return option ? set_option(ACP_MODEL, option, context->model, context)
                  : set_by(ACP_MODEL, "session/set_model", "modelId", context->model, context);
}

static AgentReply set_mode(LineJson line, const ReplyContext *context)
{
    const char *model = find_option(line, "model"), *mode = find_option(line, "mode");
    if (!context->mode)
        return set_model(model, context);
    guint64 id = model ? ACP_MODE_OPTION : ACP_MODE;
    return mode && !line_json_is_set(line, "result.modes")
               ? set_option(id, mode, context->mode, context)
               : set_by(id, "session/set_mode", "modeId", context->mode, context);
}

/* --- What is due --- */

static AgentReply refuse(LineJson request)
{
    g_autofree char *id = line_json_dup_raw(request, "id");
    return say(g_strdup_printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32601,"
                               "\"message\":\"Method not found\"}}\n",
                               id));
}

static AgentReply answer_request(LineJson line, const ReplyContext *context)
{
    if (!line_json_is(line, "method", ACP_ASK))
        return refuse(line);
    char *answer = acp_decide(line, context->permissions);
    return answer ? say(answer) : (AgentReply){.kind = REPLY_NONE};
}

static gboolean speaks_our_version(LineJson line)
{
    guint64 version;
    return line_json_uint(line, "result.protocolVersion", MAX_ID, &version) &&
           version == ACP_VERSION;
}

AgentReply acp_reply(LineJson line, const ReplyContext *context)
{
    guint64 id = acp_response_id(line);
    if (id == 0)
        return answer_request(line, context);
    if (id >= ACP_PROMPT)
        return give_message((guint)(id - ACP_PROMPT) + 1, context);
    if (line_json_is_set(line, "error") || (id == ACP_INITIALIZE && !speaks_our_version(line)))
        return (AgentReply){.kind = REPLY_END};
    switch (id) {
    case ACP_INITIALIZE:
        return open_session(context);
    case ACP_SESSION:
        return set_mode(line, context);
    case ACP_MODE:
        return set_model(NULL, context);
    case ACP_MODE_OPTION:
        return set_model("model", context);
    default:
        return give_message(0, context);
    }
}
