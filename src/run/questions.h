/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agents/question.h"
#include "run/register.h"
#include "run/steering.h"

/*
 * Questions: what runs ask, and what is answered. A question is open while the transcript has it
 * and the run's folder no answer (store/answers.h): so nothing is lost with the service. An answer
 * goes the way of a message, and the shim gives each once. Where nobody answers in time, this does.
 */

typedef struct Questions Questions;

/** @runs and @steering must outlive it. */
Questions *questions_new(Runs *runs, Steering *steering);
void questions_free(Questions *questions);

/** Answers the question @id of @run. @reply comes without a value once the agent's input has it.
 *  STORKIT_ERROR_INVALID_ARGUMENT for one that is not open, is answered, or has no such option;
 *  STORKIT_ERROR_NOT_RUNNING for a run that has ended, or whose service has just come back. */
void questions_answer(Questions *questions, Run *run, const char *id, const AgentAnswer *answer,
                      Reply reply, gpointer data);

/** Reads the details of a caller's answer; FALSE and STORKIT_ERROR_INVALID_ARGUMENT for an unknown
 *  key or a wrong type. Its strings belong to @details. Caller: answer_clear(), in any case. */
gboolean answer_read_details(GVariant *details, AgentAnswer *answer, GError **error);
void answer_clear(AgentAnswer *answer);
