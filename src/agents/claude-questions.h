/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agents/decoded-line.h"
#include "agents/line-json.h"
#include "agents/question.h"

/*
 * What Claude Code asks with `--permission-prompt-tool stdio`: control requests on stdout, each
 * answered by a control response on stdin. Private to kind-claude.c.
 */

/** `control_request`: may it use that tool? (AskUserQuestion: a question of the model's.) */
void claude_read_request(LineJson json, DecodedLine *line);

/** `control_cancel_request`: nobody needs to answer any more. */
void claude_read_cancel(LineJson json, DecodedLine *line);

/** `user`: the outcome of a tool that was asked for. */
void claude_read_user(LineJson json, DecodedLine *line);

/** See AgentKind. */
char *claude_build_answer(LineJson request, const AgentAnswer *answer, GError **error);
