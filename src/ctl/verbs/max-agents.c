/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "ctl/verb.h"

static int print_limit(Ctl *ctl, guint32 limit)
{
    if (ctl->json) {
        g_autoptr(JsonNode) node = json_node_init_int(json_node_alloc(), limit);
        ctl_print_json(node);
    } else {
        printf("%" G_GUINT32_FORMAT "\n", limit);
    }
    return 0;
}

static int max_agents(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    guint64 wanted;
    guint32 limit;
    if (!arguments[0])
        return bus_get_max_agents(ctl->bus, &limit, error) ? print_limit(ctl, limit) : -1;
    if (!g_ascii_string_to_unsigned(arguments[0], 10, 0, G_MAXUINT32, &wanted, NULL)) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "'%s' is not a number of agents",
                    arguments[0]);
        return -1;
    }
    if (!bus_set_max_agents(ctl->bus, (guint32)wanted, error))
        return -1;
    return ctl->json ? print_limit(ctl, (guint32)wanted) : 0;
}

const Verb max_agents_verb = {
    .name = "max-agents",
    .synopsis = "[N]",
    .summary = "Show or set how many agents run at a time",
    .most = 1,
    .run = max_agents,
};
