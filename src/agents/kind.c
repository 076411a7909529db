/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/kind.h"

#define AGENT_KIND_ADDRESS(name) &agent_kind_##name,

static const AgentKind *const kinds[] = {AGENT_KINDS(AGENT_KIND_ADDRESS) NULL};

/* The keys that only some kinds have a place for. */
static const char *const kind_keys[] = {
    "prompt",        "model",         "resume", "interactive", "max_turns", "max_budget_usd",
    "allowed_tools", "system_prompt", "mode",   "mcp",         NULL,
};

const AgentKind *const *agent_kinds(void)
{
    return kinds;
}

const AgentKind *agent_kind_find(const char *name)
{
    for (const AgentKind *const *kind = kinds; *kind; kind++) {
        if (g_str_equal((*kind)->name, name))
            return *kind;
    }
    return NULL;
}

const AgentKind *agent_kind_of_program(const char *command)
{
    g_autofree char *program = g_path_get_basename(command);
    for (const AgentKind *const *kind = kinds; *kind; kind++) {
        if (g_strcmp0((*kind)->program, program) == 0)
            return *kind;
    }
    return NULL;
}

char *agent_kinds_list(gboolean (*matches)(const AgentKind *kind))
{
    GString *names = g_string_new(NULL);
    for (const AgentKind *const *kind = kinds; *kind; kind++)
        if (matches(*kind))
            g_string_append_printf(names, "%s'%s'", names->len > 0 ? " or " : "", (*kind)->name);
    return g_string_free(names, FALSE);
}

gboolean agent_kind_can_ask(const AgentKind *kind)
{
    return kind->build_answer != NULL;
}

gboolean agent_kind_takes_mcp(const AgentKind *kind)
{
    return agent_kind_takes(kind, "mcp");
}

gboolean agent_kind_is_interactive(const AgentKind *kind)
{
    return agent_kind_takes(kind, "interactive");
}

gboolean agent_kind_takes(const AgentKind *kind, const char *key)
{
    return !g_strv_contains(kind_keys, key) || g_strv_contains(kind->keys, key);
}
