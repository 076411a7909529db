/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/agent.h"

AgentConfig *agent_config_new(void)
{
    AgentConfig *agent = g_new0(AgentConfig, 1);
    agent->kind = &agent_kind_claude;
    agent->args = g_new0(char *, 1);
    agent->allowed_tools = g_new0(char *, 1);
    agent->env = g_new0(char *, 1);
    agent->stop_grace_usec = 10 * G_USEC_PER_SEC;
    agent->limit_retries = 5;
    agent->children = CHILD_BOUNDS_DEFAULT;
    agent->result_grace_usec = 5 * 60 * G_USEC_PER_SEC;
    limits_init(&agent->limits);
    return agent;
}

void agent_config_free(AgentConfig *agent)
{
    if (!agent)
        return;
    g_free(agent->name);
    g_free(agent->role);
    g_free(agent->command);
    g_strfreev(agent->args);
    g_free(agent->prompt);
    g_free(agent->model);
    g_free(agent->mode);
    g_strfreev(agent->allowed_tools);
    g_free(agent->system_prompt);
    g_strfreev(agent->env);
    permissions_clear(&agent->permissions);
    g_free(agent->account);
    g_strfreev(agent->children.may_start);
    sandbox_config_clear(&agent->sandbox);
    g_free(agent);
}

const char *agent_config_prompt(const AgentConfig *agent)
{
    if (!agent_kind_takes(agent->kind, "prompt"))
        return NULL;
    return agent->prompt ? agent->prompt : PROMPT_DEFAULT;
}

gboolean agent_config_reads_messages(const AgentConfig *agent)
{
    return agent->interactive || agent->permissions.mode == PERMISSION_ASK || agent->kind->reply;
}
