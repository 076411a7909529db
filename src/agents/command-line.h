/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/agent.h"
#include "agents/template.h"

/*
 * The command line while its kind writes it. Private to command.c and the kinds.
 */

/** The longest prompt that goes into an argument (Linux allows 128 KiB). */
#define PROMPT_ARGUMENT_MAX (100u * 1024)

struct CommandLine {
    const AgentConfig *agent;
    const CommandContext *context;
    char *prompt; /* expanded; NULL for a kind that takes none */
    GPtrArray *argv;
    char *stdin_text; /* or NULL */
    char **variables; /* NAME=VALUE that it needs besides; or NULL */
};

/** Appends @argument, a copy of it. */
void command_line_add(CommandLine *line, const char *argument);

/** Appends @option and @value; nothing where @value is NULL. */
void command_line_add_option(CommandLine *line, const char *option, const char *value);

/** Appends @template, expanded. */
void command_line_add_expanded(CommandLine *line, const char *template);

/** Appends the program; the agent's `args`. */
void command_line_add_program(CommandLine *line);
void command_line_add_args(CommandLine *line);

/** Appends @option and @amount in the fewest digits that read back as the same number, whatever the
 *  locale ("0.1"); nothing where it is 0. */
void command_line_add_amount(CommandLine *line, const char *option, double amount);

/** Whether the prompt can be an argument: if it begins with '-' it would be taken for an option,
 * and the kernel refuses a long one. */
gboolean command_line_prompt_fits(const CommandLine *line);

/** Whether it is too long for the command line. */
gboolean command_line_prompt_is_long(const CommandLine *line);

/** Gives the prompt on stdin. */
void command_line_prompt_to_stdin(CommandLine *line);
