/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agents/template.h"

/*
 * `storkitctl mcp`, as agents are told to run it: in the words of their configurations.
 */

/** What the server is called, and its tools after it. */
#define MCP_SERVER_NAME "storkit"

/** {"mcpServers":{"storkit":{"command":…,"args":["mcp"],"env":{…}}}}: as claude and qwen read
 * it. Caller frees. */
char *mcp_server_as_settings(const CommandContext *context);

/** {"mcp":{"storkit":{"type":"local",…}}}: as opencode reads it. Caller frees. */
char *mcp_server_as_opencode(const CommandContext *context);

/** mcp_servers.storkit={command=…,args=["mcp"],env={…}}: as codex reads it. Caller frees. */
char *mcp_server_as_toml(const CommandContext *context);

/** [{"name":"storkit","command":…,"args":["mcp"],"env":[…]}]: as the Agent Client Protocol has it.
 *  Caller frees. */
char *mcp_server_as_list(const CommandContext *context);
