/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agents/kind.h"
#include "agents/line-json.h"

/*
 * What a client says to an agent that speaks the Agent Client Protocol, version 1. Each request is
 * known by its id, so that a response alone tells what is due next. Private to kind-acp.c.
 */

#define ACP_VERSION 1

enum {
    ACP_INITIALIZE = 1,
    ACP_SESSION,     /* session/new or session/load */
    ACP_MODE,        /* ... and the model is set by session/set_model then, */
    ACP_MODE_OPTION, /* ... or as one of the session's options */
    ACP_MODEL,
    ACP_PROMPT = 100, /* the n-th message, from 0, has this + n */
};

/** The id of the request that @line responds to; 0: it is no response to one of those. */
guint64 acp_response_id(LineJson line);

/** The first line that the agent reads. Caller frees. */
char *acp_build_initialize(void);

/** See AgentKind. */
AgentReply acp_reply(LineJson line, const ReplyContext *context);
