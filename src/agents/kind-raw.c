/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command-line.h"
#include "agents/kind.h"

/*
 * Any program: it knows nothing of storkit, and finds its story in the placeholders and in
 * STORKIT_*. Its JSON has no meaning; its exit status tells how it ended.
 */

static void build(CommandLine *line)
{
    command_line_add_program(line);
    command_line_add_args(line);
}

static const char *const keys[] = {NULL};

const AgentKind agent_kind_raw = {
    .name = "raw",
    .keys = keys,
    .build = build,
};
