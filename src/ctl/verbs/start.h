/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/info.h"
#include "ctl/start-options.h"

/** The arguments of start. */
typedef struct {
    StartTarget target; /* points into the rest, and into the Ctl */
    char *story, *agent, *prompt;
} StartRequest;

/** Reads STORY[/AGENT] (NULL: the story we are in) and the options. Caller: start_request_clear().
 */
gboolean start_request_read(Ctl *ctl, const char *named, StartRequest *ret, GError **error);

void start_request_clear(StartRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StartRequest, start_request_clear)

/** Starts @target, waiting with it in the queue unless --no-block. Returns its info; Caller:
 *  run_info_free(). Sets CTL_ERROR_STOPPED where it is stopped before it starts. */
RunInfo *start_run(Ctl *ctl, const StartTarget *target, GError **error);
