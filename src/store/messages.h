/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The messages to an agent that takes the next one only when it has done with the last: the files
 * `message-N` of the run's folder. The prompt is the first, 0; an empty one says that no other will
 * follow. And what is noted as they are given.
 */

/** For a Start: the prompt, and the end of the messages unless the run is @interactive. Replaces
 * those of an earlier try. */
gboolean messages_begin(int folder_fd, const char *prompt, gboolean interactive, GError **error);

/** Message @n, or NULL. Caller frees. */
char *message_read(int folder_fd, guint n);

/** Adds @text, "" for the end. STORKIT_ERROR_INVALID_ARGUMENT behind that. */
gboolean message_add(int folder_fd, const char *text, GError **error);

/** Notes that what the transcript holds by now, @bytes of it, was there before the run's prompt. */
gboolean history_end_keep(int folder_fd, guint64 bytes);

/** What was noted; G_MAXUINT64: nothing yet. */
guint64 history_end_read(int folder_fd);

/** Keeps what asks the agent to leave off (the shim's `cancel`); NULL: it is not at work. */
void cancel_keep(int folder_fd, const char *text);
