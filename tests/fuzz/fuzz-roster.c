/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/error.h"
#include "base/names.h"
#include "project/roster.h"

/*
 * Any bytes as a project.toml: a roster with at least one agent, or an error that can go out on the
 * bus.
 */

static void check_agent(const AgentConfig *agent)
{
    fuzz_check(name_is_valid(agent->name));
    fuzz_check(!agent->prompt || g_utf8_validate(agent->prompt, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ProjectConfig) config =
        project_config_parse((const char *)data, size, "project.toml", &error);
    fuzz_check(!config == !!error);
    if (!config) {
        fuzz_check(g_utf8_validate(error->message, -1, NULL));
        return 0;
    }
    fuzz_check(config->agents->len > 0);
    for (guint i = 0; i < config->agents->len; i++)
        check_agent(config->agents->pdata[i]);
    return 0;
}
