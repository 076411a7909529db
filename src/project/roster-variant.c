/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "project/roster.h"

#include "host/sandbox-support.h"

/* What GetConfig answers. */

static void add_string(GVariantDict *dict, const char *key, const char *value)
{
    if (value)
        g_variant_dict_insert(dict, key, "s", value);
}

static void add_strv(GVariantDict *dict, const char *key, char *const *values)
{
    if (values && *values)
        g_variant_dict_insert(dict, key, "^as", values);
}

static void add_limits(GVariantDict *dict, const Limits *limits)
{
    for (gsize i = 0; i < LIMITS_COUNT; i++)
        if (limits_get(limits, i) != LIMIT_UNSET)
            g_variant_dict_insert(dict, limits_info(i)->value_key, "t", limits_get(limits, i));
}

static void add_network(GVariantDict *dict, const SandboxConfig *sandbox)
{
    if (sandbox->network == SANDBOX_NETWORK_NONE)
        g_variant_dict_insert(dict, "network", "s", "none");
    else if (sandbox->network == SANDBOX_NETWORK_PORTS)
        g_variant_dict_insert_value(
            dict, "network",
            g_variant_new_fixed_array(G_VARIANT_TYPE_UINT16, sandbox->ports->data,
                                      sandbox->ports->len, sizeof(guint16)));
}

static void add_sandbox(GVariantDict *dict, const SandboxConfig *sandbox)
{
    g_auto(GStrv) missing = sandbox_is_wanted(sandbox) ? sandbox_find_missing(sandbox) : NULL;
    add_string(dict, "sandbox", sandbox_mode_to_string(sandbox->mode));
    add_strv(dict, "sandbox_missing", missing);
    add_strv(dict, "writable", sandbox->writable);
    add_strv(dict, "unreadable", sandbox->unreadable);
    add_strv(dict, "readable", sandbox->readable);
    add_strv(dict, "sockets", sandbox->sockets);
    if (sandbox->bus)
        g_variant_dict_insert(dict, "bus", "b", TRUE);
    add_network(dict, sandbox);
}

static void add_permissions(GVariantDict *dict, const Permissions *permissions)
{
    add_string(dict, "permission", permission_mode_to_string(permissions->mode));
    add_strv(dict, "allow", permissions->allow);
    add_strv(dict, "deny", permissions->deny);
    if (permissions->mode != PERMISSION_ASK || permissions->ask_timeout_usec == 0)
        return;
    g_variant_dict_insert(dict, "ask_timeout_usec", "t", permissions->ask_timeout_usec);
    add_string(dict, "on_ask_timeout", permissions->timeout_stops ? "stop" : "deny");
}

static void add_limit_policy(GVariantDict *dict, const AgentConfig *agent)
{
    add_string(dict, "account", agent->account);
    add_string(dict, "on_limit", agent->waits_out_limits ? "wait" : "fail");
    if (agent->waits_out_limits)
        g_variant_dict_insert(dict, "limit_retries", "u", agent->limit_retries);
}

static void add_children(GVariantDict *dict, const ChildBounds *children)
{
    if (!children->may_start || !*children->may_start)
        return;
    add_strv(dict, "may_start", children->may_start);
    g_variant_dict_insert(dict, "max_children", "u", children->max_children);
    g_variant_dict_insert(dict, "max_depth", "u", children->max_depth);
}

static GVariant *agent_to_variant(const AgentConfig *agent)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    add_string(&dict, "name", agent->name);
    add_string(&dict, "role", agent->role);
    add_string(&dict, "kind", agent->kind->name);
    add_string(&dict, "command", agent->command);
    add_strv(&dict, "args", agent->args);
    add_string(&dict, "prompt", agent_config_prompt(agent));
    add_string(&dict, "model", agent->model);
    add_string(&dict, "mode", agent->mode);
    if (agent->max_turns > 0)
        g_variant_dict_insert(&dict, "max_turns", "u", agent->max_turns);
    if (agent->max_budget_usd > 0)
        g_variant_dict_insert(&dict, "max_budget_usd", "d", agent->max_budget_usd);
    add_strv(&dict, "allowed_tools", agent->allowed_tools);
    add_string(&dict, "system_prompt", agent->system_prompt);
    add_strv(&dict, "env", agent->env);
    g_variant_dict_insert(&dict, "interactive", "b", agent->interactive);
    if (agent->mcp)
        g_variant_dict_insert(&dict, "mcp", "b", TRUE);
    add_permissions(&dict, &agent->permissions);
    add_limit_policy(&dict, agent);
    add_children(&dict, &agent->children);
    g_variant_dict_insert(&dict, "stop_grace_usec", "t", agent->stop_grace_usec);
    g_variant_dict_insert(&dict, "result_grace_usec", "t", agent->result_grace_usec);
    add_limits(&dict, &agent->limits);
    add_sandbox(&dict, &agent->sandbox);
    return g_variant_dict_end(&dict);
}

static GVariant *component_to_variant(const ComponentConfig *component)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    add_string(&dict, "name", component->name);
    add_string(&dict, "path", component->path);
    add_strv(&dict, "setup", component->setup);
    add_strv(&dict, "teardown", component->teardown);
    return g_variant_dict_end(&dict);
}

GVariant *project_config_to_variant(const ProjectConfig *config)
{
    GVariantBuilder agents, components;
    g_variant_builder_init(&agents, G_VARIANT_TYPE("aa{sv}"));
    g_variant_builder_init(&components, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < config->agents->len; i++)
        g_variant_builder_add_value(&agents,
                                    agent_to_variant(g_ptr_array_index(config->agents, i)));
    for (guint i = 0; i < config->components->len; i++)
        g_variant_builder_add_value(&components,
                                    component_to_variant(g_ptr_array_index(config->components, i)));

    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert_value(&dict, "agents", g_variant_builder_end(&agents));
    g_variant_dict_insert_value(&dict, "components", g_variant_builder_end(&components));
    add_strv(&dict, "copy", config->copy);
    add_string(&dict, "worktrees", config->worktrees);
    if (config->budget_usd > 0) {
        g_variant_dict_insert(&dict, "budget_usd", "d", config->budget_usd);
        add_string(&dict, "on_budget", config->budget_stops ? "stop" : "tell");
    }
    if (config->warnings->len > 0)
        g_variant_dict_insert_value(&dict, "warnings",
                                    g_variant_new_strv((const char *const *)config->warnings->pdata,
                                                       (gssize)config->warnings->len));
    return g_variant_dict_end(&dict);
}
