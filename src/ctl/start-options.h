/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * The options of start and resume, and the call of StartWithOptions that they make.
 */

/** The run to start. */
typedef struct {
    const char *project, *story;
    const char *agent;  /* "": the default one */
    const char *resume; /* a session id, or NULL */
    const char *prompt; /* or NULL: the agent's own */
} StartTarget;

/** The options that others look at. */
typedef struct {
    char *resume;
    char *base; /* for the service, and for what goes to another host first */
    gboolean no_block, wait, follow;
    gboolean foreground; /* of run: signals are for the run */
} StartArguments;

extern StartArguments start_arguments;

/** start's options, ended by a zero entry; resume takes those after the first
 * START_ONLY_OPTIONS. */
extern const GOptionEntry start_options[];
#define START_ONLY_OPTIONS 2

/** The prompt that --prompt or --prompt-file gave, NULL without either. Caller frees. */
gboolean start_prompt(char **ret_prompt, GError **error);

/** The call that starts @target with the options as parsed. Caller: sd_bus_message_unref(). */
sd_bus_message *start_message(Ctl *ctl, const StartTarget *target, GError **error);
