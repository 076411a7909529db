/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * One line on standard error that tells the user at a terminal what the command is waiting for.
 * Nothing elsewhere, or with -q.
 */

typedef struct Progress Progress;

/** Shows "@text (3s)" from the moment it takes longer than a blink; the widest word of @text is
 *  shortened where the terminal is too narrow. Caller: progress_free(), which
 *  wipes the line. */
Progress *progress_new(Ctl *ctl, const char *text);

/** Says something else from now on. */
void progress_set(Progress *progress, const char *text);

void progress_free(Progress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Progress, progress_free)
