/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/run.h"

/*
 * Steering: input from callers to a running agent: bytes for its terminal, messages for its stdin,
 * the end of that, another size of the terminal. The run's FIFO holds input that the agent has not
 * read yet; what does not fit waits here, in the order of the calls, so an agent that never reads
 * delays only its own callers.
 */

typedef struct Steering Steering;

/** What may wait for one run, in bytes; and the longest message. */
#define STEERING_QUEUE_MAX (8u * 1024 * 1024)
#define STEERING_MESSAGE_MAX (1u * 1024 * 1024)

Steering *steering_new(void);

/** Calls that still wait are answered with STORKIT_ERROR_SHUTTING_DOWN. */
void steering_free(Steering *steering);

/* Each @reply comes without a value, once all is in the FIFO. Errors: STORKIT_ERROR_NOT_RUNNING
 * (also for a run that ends meanwhile), STORKIT_ERROR_INVALID_ARGUMENT where it is too much, or
 * where the agent is not `interactive` and takes no messages. */

/** Bytes for the terminal. */
void steering_send_input(Steering *steering, Run *run, const void *bytes, gsize length, Reply reply,
                         gpointer data);

/** Whether @run takes messages, and whether it takes @text. */
gboolean steering_check_takes_messages(const Run *run, GError **error);
gboolean steering_check_message(const Run *run, const char *text, GError **error);

/** A user message, written as the agent's kind reads it. */
void steering_send_message(Steering *steering, Run *run, const char *text, Reply reply,
                           gpointer data);

/** End of file on the agent's stdin, after all messages. */
void steering_close_input(Steering *steering, Run *run, Reply reply, gpointer data);

/** The same for an agent whose last result is there. */
void steering_end_input(Steering *steering, Run *run);

/** The answer to @question, which is in the run's folder (store/answers.h). */
void steering_send_answer(Steering *steering, Run *run, const char *question, Reply reply,
                          gpointer data);

/** Sets the size of the run's terminal, in characters. */
gboolean steering_resize(Run *run, guint rows, guint columns, GError **error);
