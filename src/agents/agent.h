/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"
#include "base/child-bounds.h"
#include "base/permissions.h"
#include "base/run-limits.h"
#include "base/sandbox-config.h"

G_BEGIN_DECLS

/** AgentConfig: one agent of the roster. */
typedef struct {
    char *name;            /* passes name_check() */
    char *role;            /* or NULL */
    const AgentKind *kind; /* default claude */
    char *command;         /* template; default: the kind's own program */
    char **args;           /* templates; never NULL */
    char *prompt;          /* template, or NULL: the default prompt */
    char *model;           /* or NULL */
    char *mode;            /* that the session is set to; or NULL */
    guint max_turns;       /* 0: unset */
    double max_budget_usd; /* 0: unset */
    char **allowed_tools;  /* never NULL */
    char *system_prompt;   /* template, or NULL where unset or empty */
    char **env;            /* NAME=VALUE; never NULL */
    gboolean interactive;
    gboolean mcp; /* it is given `storkitctl mcp` */
    Permissions permissions;
    gboolean waits_out_limits; /* a run that a usage limit ends is resumed when that is over */
    guint limit_retries;       /* how often; default 5 */
    char *account;             /* whose limits it shares with others of that name; or NULL */
    ChildBounds children;      /* what it may start */
    guint64 stop_grace_usec;   /* default 10 s */
    guint64 result_grace_usec; /* default 5 min; 0: off */
    Limits limits;
    SandboxConfig sandbox; /* its mode: the project's where the agent has none */
} AgentConfig;

/** An agent with the defaults, but neither name nor command. Caller: agent_config_free(). */
AgentConfig *agent_config_new(void);
void agent_config_free(AgentConfig *agent);

/** Whether it reads messages on stdin, the prompt being the first: it is interactive, or asks and
 * is answered there, or is of a kind that is spoken with. */
gboolean agent_config_reads_messages(const AgentConfig *agent);

/** The prompt of an agent whose config has none. A template. */
#define PROMPT_DEFAULT "Work on story {{story_id}}."

/** The prompt template the agent is started with unless the caller gives one: its own, or the
 *  default; NULL for a kind that takes none. The agent's. */
const char *agent_config_prompt(const AgentConfig *agent);

G_END_DECLS
