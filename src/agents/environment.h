/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/agent.h"
#include "agents/template.h"

/** @base (the user's login environment, NAME=VALUE) less the variables of the daemon's own service
 *  and of a surrounding Claude Code. Caller: g_strfreev(). */
char **environment_without_service(char *const *base);

/** The environment of an agent: environment_without_service() of @base, plus those every agent gets
 *  (NO_COLOR, TERM, PAGER, GIT_*, STORKIT_*), then the agent's `env`, then @extra (NAME=VALUE, or
 *  NULL). Caller: g_strfreev(). */
char **agent_environment_build(char *const *base, const AgentConfig *agent,
                               const CommandContext *context, char *const *extra);
