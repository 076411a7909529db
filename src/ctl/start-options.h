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
    char *on;   /* what gives it a place: "slurm"; or NULL */
    gboolean no_block, wait, follow;
    gboolean foreground; /* of run: signals are for the run */
} StartArguments;

extern StartArguments start_arguments;

/** start's options, ended by a zero entry. What starts runs by another name takes those after
 *  --on, and resume those after the first START_ONLY_OPTIONS. */
extern const GOptionEntry start_options[];
#define ON_OPTIONS 1
#define START_ONLY_OPTIONS 3

/** The prompt that --prompt or --prompt-file gave, NULL without either. Caller frees. */
gboolean start_prompt(char **ret_prompt, GError **error);

/** Adds the options as parsed to @words, an array of char *, as words of a command line that starts
 *  @target elsewhere or later. */
gboolean start_add_words(GPtrArray *words, const StartTarget *target, GError **error);

/** The call that starts @target with the options as parsed. Caller: sd_bus_message_unref(). */
sd_bus_message *start_message(Ctl *ctl, const StartTarget *target, GError **error);

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
