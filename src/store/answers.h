/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The answers in a run's folder: the file `answer-QUESTION` is there once a question is answered,
 * and holds the bytes for the agent's stdin. It is the note and the answer in one: a service that
 * dies behind it has answered, and the next one tells the shim again, which gives each once.
 */

/** Keeps the answer to @question, whole or not at all. STORKIT_ERROR_INVALID_ARGUMENT where there
 *  is one. */
gboolean answer_keep(int folder_fd, const char *question, const char *text, GError **error);

/** Whether @question is answered. */
gboolean answer_is_kept(int folder_fd, const char *question);
