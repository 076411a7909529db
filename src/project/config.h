/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/agent.h"

G_BEGIN_DECLS

/*
 * The content of a project's `.storkit/project.toml`: its roster (agents) and its components.
 */

typedef struct {
    char *name;
    char *path;      /* relative to the worktree, inside it */
    char **setup;    /* shell commands, in order; never NULL */
    char **teardown; /* never NULL */
} ComponentConfig;

typedef struct {
    GPtrArray *agents;       /* AgentConfig *, at least one; the first is the default */
    GPtrArray *components;   /* ComponentConfig * */
    char **copy;             /* ignored files brought along into a new worktree; never NULL */
    char *worktrees;         /* the folder that they live in, as written; NULL: the usual one */
    double budget_usd;       /* for a day; 0: none */
    gboolean budget_stops;   /* runs, once it is spent */
    SandboxMode sandbox;     /* of agents that have none of their own; never SANDBOX_UNSET */
    GPtrArray *warnings;     /* char *: "FILE:LINE:COLUMN: unknown key …"; the first 20 */
    guint warnings_left_out; /* ... which one more tells */
} ProjectConfig;

/** A component with neither name nor path; a config in which every array is there and empty. */
ComponentConfig *component_config_new(void);
ProjectConfig *project_config_new(void);
void project_config_free(ProjectConfig *config);
void component_config_free(ComponentConfig *component);

/** The agent called @name, or NULL. Belongs to @config. */
const AgentConfig *project_config_find_named(const ProjectConfig *config, const char *name);

/** The agent called @name, or the first for "". Belongs to @config. Sets
 *  STORKIT_ERROR_NO_SUCH_AGENT, which lists the names there are. */
const AgentConfig *project_config_find_agent(const ProjectConfig *config, const char *name,
                                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProjectConfig, project_config_free)

G_END_DECLS
