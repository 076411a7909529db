/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/mcp/server.h"
#include "ctl/verb.h"

static int mcp(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    return mcp_serve(ctl, error) ? 0 : -1;
}

const Verb mcp_verb = {
    .name = "mcp",
    .synopsis = "",
    .summary = "Offer the pool to an agent, as an MCP server",
    .arguments = ARGUMENT_NONE,
    .run = mcp,
};
