/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** AgentKind: which command-line interface an agent speaks (the contract's `kind`). */
typedef enum {
    AGENT_KIND_CLAUDE,
    AGENT_KIND_CODEX,
    AGENT_KIND_GEMINI,
    AGENT_KIND_OPENCODE,
    AGENT_KIND_RAW,
} AgentKind;

/** "claude", "codex", ...: a static string. */
const char *agent_kind_to_string(AgentKind kind);

/** Parses one of the strings above; FALSE leaves @ret_kind alone. */
gboolean agent_kind_from_string(const char *text, AgentKind *ret_kind);
