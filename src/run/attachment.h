/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/register.h"

/*
 * Attachments: a client's socket as a run's terminal: the last output, then all new output, byte
 * for byte; the client's bytes are typed. Each reads the transcript at its own pace. One that
 * closes does not affect the agent; one that does not read is dropped; the socket ends when the run
 * has ended and all was read.
 */

typedef struct Attachments Attachments;

/** @runs must outlive them. */
Attachments *attachments_new(Runs *runs);
void attachments_free(Attachments *attachments);

/** Attaches to @run. Returns the client's end of the socket (the caller closes it), or -1 and
 * @error: STORKIT_ERROR_NOT_RUNNING if there is no terminal. */
int attachments_add(Attachments *attachments, Run *run, GError **error);
