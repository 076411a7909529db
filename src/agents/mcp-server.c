/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/mcp-server.h"

#include "agents/json-text.h"
#include "base/install-paths.h"

/* Where the bus is. Some CLIs give their servers nothing else of their environment. */
static const char *const variables[] = {"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"};

static void append_program(GString *text)
{
    const char *program = g_getenv("STORKITCTL");
    json_append_string(text, program && *program ? program : STORKITCTL_PATH);
}

/* Each variable as @before NAME @between VALUE @after; NAME in quotes where they are @quoted. */
typedef struct {
    const char *before, *between, *after;
    gboolean quoted;
} PairForm;

static void append_environment(GString *text, const CommandContext *context, const PairForm *form)
{
    gboolean first = TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(variables); i++) {
        const char *value = context->environment
                                ? g_environ_getenv((char **)context->environment, variables[i])
                                : NULL;
        if (!value)
            continue;
        const char *quote = form->quoted ? "\"" : "";
        g_string_append_printf(text, "%s%s%s%s%s%s", first ? "" : ",", form->before, quote,
                               variables[i], quote, form->between);
        json_append_string(text, value);
        g_string_append(text, form->after);
        first = FALSE;
    }
}

static const PairForm as_members = {"", ":", "", TRUE};
static const PairForm as_toml = {"", "=", "", FALSE};
static const PairForm as_objects = {"{\"name\":", ",\"value\":", "}", TRUE};

char *mcp_server_as_settings(const CommandContext *context)
{
    GString *text = g_string_new("{\"mcpServers\":{\"" MCP_SERVER_NAME "\":{\"command\":");
    append_program(text);
    g_string_append(text, ",\"args\":[\"mcp\"],\"env\":{");
    append_environment(text, context, &as_members);
    g_string_append(text, "}}}}");
    return g_string_free(text, FALSE);
}

char *mcp_server_as_opencode(const CommandContext *context)
{
    GString *text =
        g_string_new("{\"mcp\":{\"" MCP_SERVER_NAME "\":{\"type\":\"local\",\"command\":[");
    append_program(text);
    g_string_append(text, ",\"mcp\"],\"enabled\":true,\"environment\":{");
    append_environment(text, context, &as_members);
    g_string_append(text, "}}}}");
    return g_string_free(text, FALSE);
}

char *mcp_server_as_toml(const CommandContext *context)
{
    GString *text = g_string_new("mcp_servers." MCP_SERVER_NAME "={command=");
    append_program(text);
    g_string_append(text, ",args=[\"mcp\"],env={");
    append_environment(text, context, &as_toml);
    g_string_append(text, "}}");
    return g_string_free(text, FALSE);
}

char *mcp_server_as_list(const CommandContext *context)
{
    GString *text = g_string_new("[{\"name\":\"" MCP_SERVER_NAME "\",\"command\":");
    append_program(text);
    g_string_append(text, ",\"args\":[\"mcp\"],\"env\":[");
    append_environment(text, context, &as_objects);
    g_string_append(text, "]}]");
    return g_string_free(text, FALSE);
}
