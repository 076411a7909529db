/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-event.h>

/*
 * Another storkitctl, run as a child: a tool is a command of storkitctl, so that agents and people
 * get the same answers.
 */

typedef struct Command Command;

typedef struct {
    /** One line of its standard output, without the newline. */
    void (*line)(Command *command, const char *line, gsize length, gpointer data);

    /** It has ended with @status, or by a signal (-1). @err is its standard error. The
     *  callee may free @command. */
    void (*ended)(Command *command, int status, const char *err, gpointer data);
} CommandHandler;

/** Runs `storkitctl WORD…`. Caller: command_free(). */
Command *command_new(sd_event *event, const char *const *words, const CommandHandler *handler,
                     gpointer data, GError **error);

/** Ends it; ended() comes when it has. */
void command_end(Command *command);

/** Ends it without a word. */
void command_free(Command *command);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Command, command_free)
