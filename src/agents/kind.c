/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/kind.h"

static const char *const names[] = {
    [AGENT_KIND_CLAUDE] = "claude", [AGENT_KIND_CODEX] = "codex",
    [AGENT_KIND_GEMINI] = "gemini", [AGENT_KIND_OPENCODE] = "opencode",
    [AGENT_KIND_RAW] = "raw",
};

const char *agent_kind_to_string(AgentKind kind)
{
    g_assert((gsize)kind < G_N_ELEMENTS(names));
    return names[kind];
}

gboolean agent_kind_from_string(const char *text, AgentKind *ret_kind)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(text, names[i])) {
            *ret_kind = (AgentKind)i;
            return TRUE;
        }
    }
    return FALSE;
}
