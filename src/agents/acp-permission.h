/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agents/decoded-line.h"
#include "agents/line-json.h"
#include "base/permissions.h"

/*
 * What an agent that speaks ACP asks by `session/request_permission`, and how it is answered.
 * Private to kind-acp.c.
 */

#define ACP_ASK "session/request_permission"

/** The question that the request @json asks. Caller unrefs. */
AgentQuestion *acp_read_question(LineJson json);

/** The answer to @request that follows from @permissions, as one line; NULL: somebody has to be
 * asked. Caller frees. */
char *acp_decide(LineJson request, const Permissions *permissions);

/** See AgentKind. */
char *acp_build_answer(LineJson request, const AgentAnswer *answer, GError **error);
