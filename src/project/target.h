/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "project/roster.h"
#include "base/work-queue.h"

/*
 * Target: a caller's (project_root, story_id, agent_name), resolved off the main loop: the real
 * project root, its config if needed, the default agent for "".
 */

typedef struct {
    char *root;
    char *story;
    char *agent;
    ProjectConfig *config; /* where it was asked for, or needed to find the default agent */
} Target;

void target_free(Target *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Target, target_free)

/** Called on the main loop with the target, which the callee takes, or with @error. */
typedef void (*TargetDone)(Target *target, const GError *error, gpointer data);

/** Resolves; @story or @agent may be NULL if there is none. Checks the form of the names, too. An
 * error caused only by the default agent tells the caller to name the agent. */
void target_resolve(WorkQueue *queue, const char *root, const char *story, const char *agent,
                    gboolean with_config, TargetDone done, gpointer data);

/** The agent's part of the config. Belongs to the target. */
const AgentConfig *target_get_agent(const Target *target);
