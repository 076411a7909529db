/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/mcp/request.h"

#include "ctl/json-path.h"
#include "ctl/mcp/wire.h"
#include "ctl/storkitctl-version.h"

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_SERVER "io.modelcontextprotocol/serverInfo"

#define INSTRUCTIONS                                                                               \
    "Runs coding agents on stories, each in a git worktree of its own. Start one with start_run, " \
    "follow it with follow_run, look at its work with show_diff."

/* Newest first: what `initialize` falls back to. */
static const char *const legacy_versions[] = {"2025-11-25", "2025-06-18", "2025-03-26", NULL};

Request *request_new(JsonObject *message)
{
    Request *request = g_new0(Request, 1);
    JsonObject *params = json_get_object(message, "params");
    JsonObject *meta = json_get_object(params, "_meta");
    JsonNode *token = meta ? json_object_get_member(meta, "progressToken") : NULL;
    *request = (Request){
        .id = json_node_copy(json_object_get_member(message, "id")),
        .method = g_strdup(json_get_string(message, "method")),
        .params = params ? json_object_ref(params) : NULL,
        .progress_token = token && JSON_NODE_HOLDS_VALUE(token) ? json_node_copy(token) : NULL,
        .modern = json_get_string(meta, META_VERSION) != NULL,
    };
    return request;
}

void request_free(Request *request)
{
    json_node_unref(request->id);
    g_free(request->method);
    g_clear_pointer(&request->params, json_object_unref);
    g_clear_pointer(&request->progress_token, json_node_unref);
    g_free(request);
}

static JsonArray *modern_versions(void)
{
    JsonArray *versions = json_array_new();
    json_array_add_string_element(versions, MCP_MODERN);
    return versions;
}

gboolean request_check_version(const Request *request)
{
    const char *version =
        json_get_string(json_get_object(request->params, "_meta"), META_VERSION) ?: MCP_MODERN;
    if (g_str_equal(version, MCP_MODERN))
        return TRUE;
    JsonObject *data = json_object_new();
    json_object_set_array_member(data, "supported", modern_versions());
    json_object_set_string_member(data, "requested", version);
    wire_send_error(request->id, WIRE_UNSUPPORTED_VERSION, "unsupported protocol version", data);
    return FALSE;
}

static JsonObject *server_info(void)
{
    JsonObject *info = json_object_new();
    json_object_set_string_member(info, "name", "storkit");
    json_object_set_string_member(info, "title", "storkit: coding agents on stories");
    json_object_set_string_member(info, "version", STORKITCTL_VERSION);
    return info;
}

void request_reply(const Request *request, JsonObject *result_taken)
{
    if (request->modern) {
        JsonObject *meta = json_object_new();
        json_object_set_object_member(meta, META_SERVER, server_info());
        json_object_set_string_member(result_taken, "resultType", "complete");
        json_object_set_object_member(result_taken, "_meta", meta);
    }
    wire_send_result(request->id, result_taken);
}

static void add_cache_hint(const Request *request, JsonObject *result, gint64 ttl_msec)
{
    if (!request->modern)
        return;
    json_object_set_int_member(result, "ttlMs", ttl_msec);
    json_object_set_string_member(result, "cacheScope", "private");
}

void request_reply_uncacheable(const Request *request, JsonObject *result_taken)
{
    add_cache_hint(request, result_taken, 0);
    request_reply(request, result_taken);
}

void request_fail(const Request *request, int code, const char *message)
{
    wire_send_error(request->id, code, message, NULL);
}

void request_tell_progress(const Request *request, gint64 progress, const char *message)
{
    if (!request->progress_token)
        return;
    JsonObject *params = json_object_new();
    json_object_set_member(params, "progressToken", json_node_copy(request->progress_token));
    json_object_set_int_member(params, "progress", progress);
    json_object_set_string_member(params, "message", message);
    wire_send_notification("notifications/progress", params);
}

static JsonObject *capabilities(void)
{
    JsonObject *all = json_object_new();
    json_object_set_object_member(all, "tools", json_object_new());
    json_object_set_object_member(all, "resources", json_object_new());
    return all;
}

void request_initialize(const Request *request)
{
    const char *asked = json_get_string(request->params, "protocolVersion");
    gboolean known = asked && g_strv_contains(legacy_versions, asked);
    JsonObject *result = json_object_new();
    json_object_set_string_member(result, "protocolVersion", known ? asked : legacy_versions[0]);
    json_object_set_object_member(result, "capabilities", capabilities());
    json_object_set_object_member(result, "serverInfo", server_info());
    json_object_set_string_member(result, "instructions", INSTRUCTIONS);
    request_reply(request, result);
}

void request_discover(const Request *request)
{
    JsonObject *result = json_object_new();
    json_object_set_array_member(result, "supportedVersions", modern_versions());
    json_object_set_object_member(result, "capabilities", capabilities());
    json_object_set_string_member(result, "instructions", INSTRUCTIONS);
    request_reply_uncacheable(request, result);
}
