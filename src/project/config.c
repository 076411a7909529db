/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "project/config.h"

#include "base/error.h"
#include "base/names.h"

void component_config_free(ComponentConfig *component)
{
    if (!component)
        return;
    g_free(component->name);
    g_free(component->path);
    g_strfreev(component->setup);
    g_strfreev(component->teardown);
    g_free(component);
}

void project_config_free(ProjectConfig *config)
{
    if (!config)
        return;
    g_ptr_array_unref(config->agents);
    g_ptr_array_unref(config->components);
    g_strfreev(config->copy);
    g_free(config->worktrees);
    g_ptr_array_unref(config->warnings);
    g_free(config);
}

ComponentConfig *component_config_new(void)
{
    ComponentConfig *component = g_new0(ComponentConfig, 1);
    component->setup = g_new0(char *, 1);
    component->teardown = g_new0(char *, 1);
    return component;
}

ProjectConfig *project_config_new(void)
{
    ProjectConfig *config = g_new0(ProjectConfig, 1);
    config->agents = g_ptr_array_new_with_free_func((GDestroyNotify)agent_config_free);
    config->components = g_ptr_array_new_with_free_func((GDestroyNotify)component_config_free);
    config->copy = g_new0(char *, 1);
    config->sandbox = SANDBOX_WORKTREE;
    config->warnings = g_ptr_array_new_with_free_func(g_free);
    return config;
}

static char *list_agents(const ProjectConfig *config)
{
    g_autoptr(GString) list = g_string_new(NULL);
    for (guint i = 0; i < config->agents->len; i++) {
        const AgentConfig *agent = g_ptr_array_index(config->agents, i);
        g_string_append_printf(list, "%s%s", i ? ", " : "", agent->name);
    }
    return g_string_free(g_steal_pointer(&list), FALSE);
}

const AgentConfig *project_config_find_named(const ProjectConfig *config, const char *name)
{
    for (guint i = 0; i < config->agents->len; i++) {
        const AgentConfig *agent = g_ptr_array_index(config->agents, i);
        if (g_str_equal(agent->name, name))
            return agent;
    }
    return NULL;
}

const AgentConfig *project_config_find_agent(const ProjectConfig *config, const char *name,
                                             GError **error)
{
    if (*name == '\0')
        return g_ptr_array_index(config->agents, 0);
    const AgentConfig *agent = project_config_find_named(config, name);
    if (agent)
        return agent;
    g_autofree char *shown = name_for_message(name);
    g_autofree char *known = list_agents(config);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_AGENT,
                "the project has no agent '%s': its agents are %s", shown, known);
    return NULL;
}
