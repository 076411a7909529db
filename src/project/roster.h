/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/agent.h"

G_BEGIN_DECLS

/*
 * `.storkit/project.toml`: the roster (agents) and the components of a project.
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
    GPtrArray *warnings;     /* char *: "FILE:LINE:COLUMN: unknown key …"; the first 20 */
    guint warnings_left_out; /* ... which one more tells */
} ProjectConfig;

/** Loads PROJECT_ROOT/.storkit/project.toml, or gives the default config where there is none (one
 *  agent `default` of kind claude, whose prompt tells it to work on story {{story_id}}); a link
 *  that leads nowhere is refused. Blocking: call it from a worker thread. Sets
 *  STORKIT_ERROR_INVALID_CONFIG with "FILE:LINE:COLUMN: what", or
 *  STORKIT_ERROR_NO_AGENTS_CONFIGURED. */
ProjectConfig *project_config_load(const char *project_root, GError **error);

/** The same from @text; @filename is for messages. */
ProjectConfig *project_config_parse(const char *text, gsize length, const char *filename,
                                    GError **error);

void project_config_free(ProjectConfig *config);
void component_config_free(ComponentConfig *component);

/** The agent called @name, or the first for "". Belongs to @config. Sets
 *  STORKIT_ERROR_NO_SUCH_AGENT, which lists the names there are. */
const AgentConfig *project_config_find_agent(const ProjectConfig *config, const char *name,
                                             GError **error);

/** The config as GetConfig answers it: a{sv}, floating. */
GVariant *project_config_to_variant(const ProjectConfig *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProjectConfig, project_config_free)

G_END_DECLS
