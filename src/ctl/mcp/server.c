/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/mcp/server.h"

#include "ctl/json-path.h"
#include "ctl/mcp/call.h"
#include "ctl/mcp/request.h"
#include "ctl/mcp/resources.h"
#include "ctl/mcp/tools.h"
#include "ctl/mcp/wire.h"

typedef struct {
    Ctl *ctl;
    GPtrArray *calls;    /* Call */
    GPtrArray *readings; /* Reading */
    gboolean done;
} Server;

/* --- Methods --- */

static void on_call_done(Call *call, gpointer data)
{
    Server *server = data;
    g_ptr_array_remove_fast(server->calls, call);
}

static void on_reading_done(Reading *reading, gpointer data)
{
    Server *server = data;
    g_ptr_array_remove_fast(server->readings, reading);
}

static void call_tool(Server *server, Request *request_taken)
{
    Call *call = call_new(server->ctl, request_taken, on_call_done, server);
    if (call)
        g_ptr_array_add(server->calls, call);
}

static void read_resources(Server *server, Request *request_taken)
{
    Reading *reading = reading_new(server->ctl, request_taken, on_reading_done, server);
    if (reading)
        g_ptr_array_add(server->readings, reading);
}

static void read_resource(Server *server, Request *request_taken)
{
    if (json_get_string(request_taken->params, "uri")) {
        read_resources(server, request_taken);
        return;
    }
    request_fail(request_taken, WIRE_INVALID_PARAMS, "uri must be a string");
    request_free(request_taken);
}

static void reply_tools(const Request *request)
{
    JsonObject *result = json_object_new();
    json_object_set_array_member(result, "tools", tools_list());
    request_reply_uncacheable(request, result);
}

static void reply_nothing(const Request *request)
{
    request_reply(request, json_object_new());
}

/* A method is answered at once, or by something that takes the request. */
static const struct {
    const char *name;
    void (*reply)(const Request *request);
    void (*begin)(Server *server, Request *request_taken);
} methods[] = {
    {"initialize", request_initialize, NULL},
    {"server/discover", request_discover, NULL},
    {"ping", reply_nothing, NULL},
    {"tools/list", reply_tools, NULL},
    {"tools/call", NULL, call_tool},
    {"resources/list", NULL, read_resources},
    {"resources/read", NULL, read_resource},
    {"resources/templates/list", resources_reply_templates, NULL},
};

static void dispatch(Server *server, Request *request_taken)
{
    g_autoptr(Request) request = request_taken;
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
        if (!g_str_equal(methods[i].name, request->method))
            continue;
        if (methods[i].reply)
            methods[i].reply(request);
        else
            methods[i].begin(server, g_steal_pointer(&request));
        return;
    }
    request_fail(request, WIRE_METHOD_NOT_FOUND, "no such method");
}

/* --- Messages --- */

/* Ends a call that the client has cancelled; it gets no answer. */
static void cancel(Server *server, JsonNode *id)
{
    for (guint i = 0; id && i < server->calls->len; i++)
        if (json_node_equal(call_id(server->calls->pdata[i]), id)) {
            g_ptr_array_remove_index_fast(server->calls, i);
            return;
        }
    for (guint i = 0; id && i < server->readings->len; i++)
        if (json_node_equal(reading_id(server->readings->pdata[i]), id)) {
            g_ptr_array_remove_index_fast(server->readings, i);
            return;
        }
}

static gboolean is_id(JsonNode *node)
{
    GType type = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_INVALID;
    return type == G_TYPE_STRING || type == G_TYPE_INT64;
}

static void on_message(JsonObject *message, gpointer data)
{
    Server *server = data;
    const char *method = json_get_string(message, "method");
    JsonNode *id = json_object_get_member(message, "id");
    if (!id && g_strcmp0(method, "notifications/cancelled") == 0) {
        JsonObject *params = json_get_object(message, "params");
        cancel(server, params ? json_object_get_member(params, "requestId") : NULL);
    } else if (id && method && is_id(id)) {
        g_autoptr(Request) request = request_new(message);
        if (request_check_version(request))
            dispatch(server, g_steal_pointer(&request));
    } else if (id && method) {
        wire_send_error(NULL, WIRE_INVALID_REQUEST, "an id must be a string or an integer", NULL);
    }
    /* Anything else is a notification that we ignore, or a response without a request. */
}

static void on_closed(gpointer data)
{
    Server *server = data;
    server->done = TRUE;
}

gboolean mcp_serve(Ctl *ctl, GError **error)
{
    static const WireHandler handler = {.message = on_message, .closed = on_closed};
    Server server = {.ctl = ctl};
    if (!ctl_attach_event(ctl, error))
        return FALSE;
    g_autoptr(Wire) wire = wire_new(ctl->event, &handler, &server, error);
    if (!wire)
        return FALSE;
    g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func((GDestroyNotify)call_free);
    g_autoptr(GPtrArray) readings = g_ptr_array_new_with_free_func((GDestroyNotify)reading_free);
    server.calls = calls;
    server.readings = readings;
    return ctl_run_event(ctl, &server.done, error);
}
