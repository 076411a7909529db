/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "run/register.h"
#include "run/steering.h"

/*
 * Conversations: what the service says to agents that are spoken with in requests and responses
 * (AgentKind's `reply`). Each thing said is owed for one line of the transcript: it is kept in the
 * run's folder as the answer to that line (store/answers.h), and the shim gives it once. So a
 * service that comes back reads the transcript, and owes what no answer is there for.
 */

typedef struct Conversations Conversations;

/** @runs and @steering must outlive it. */
Conversations *conversations_new(Runs *runs, Steering *steering);
void conversations_free(Conversations *conversations);

/** As steering_send_message() and steering_close_input(). A message to an agent that is spoken with
 * is kept, and given once the agent has done with those before it; @reply comes once it is kept. */
void conversations_send_message(Conversations *conversations, Run *run, const char *text,
                                Reply reply, gpointer data);
void conversations_close_input(Conversations *conversations, Run *run, Reply reply, gpointer data);
