/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command-line.h"

#include <string.h>

void command_line_add(CommandLine *line, const char *argument)
{
    g_ptr_array_add(line->argv, g_strdup(argument));
}

void command_line_add_option(CommandLine *line, const char *option, const char *value)
{
    if (!value)
        return;
    command_line_add(line, option);
    command_line_add(line, value);
}

void command_line_add_expanded(CommandLine *line, const char *template)
{
    g_ptr_array_add(line->argv, template_expand(template, line->context));
}

void command_line_add_program(CommandLine *line)
{
    command_line_add_expanded(line, line->agent->command);
}

void command_line_add_args(CommandLine *line)
{
    for (char **arg = line->agent->args; *arg; arg++)
        command_line_add_expanded(line, *arg);
}

void command_line_add_amount(CommandLine *line, const char *option, double amount)
{
    static const char *const formats[] = {"%.15g", "%.16g", "%.17g"};
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (amount <= 0)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_ascii_formatd(text, sizeof(text), formats[i], amount);
        if (g_ascii_strtod(text, NULL) == amount)
            break;
    }
    command_line_add_option(line, option, text);
}

gboolean command_line_prompt_fits(const CommandLine *line)
{
    return line->prompt[0] != '-' && !command_line_prompt_is_long(line);
}

gboolean command_line_prompt_is_long(const CommandLine *line)
{
    return strlen(line->prompt) > PROMPT_ARGUMENT_MAX;
}

void command_line_prompt_to_stdin(CommandLine *line)
{
    g_free(line->stdin_text);
    line->stdin_text = g_strdup(line->prompt);
}
