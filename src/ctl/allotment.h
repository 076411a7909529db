/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The share of a machine that an engine such as Slurm has given to this command, by its
 * environment. The engine's own cgroup does not hold the agent, which is in a scope of the user's
 * manager: the share becomes that scope's limits.
 */

typedef struct {
    char *cpu_quota;  /* "200%", or NULL */
    char *memory_max; /* "4096M", or NULL */
    char **env;       /* NAME=VALUE, for the agent; or NULL */
} Allotment;

void allotment_read(Allotment *ret_allotment);
void allotment_clear(Allotment *allotment);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Allotment, allotment_clear)
