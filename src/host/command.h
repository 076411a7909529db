/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * A command written by others (git's program with its filters, a teardown): bounded in time and
 * output, in a cell of its own. Once it has run, none of its processes is left.
 */

/** How much of the end of a command's output is kept. */
#define COMMAND_TAIL_BYTES 2048

typedef struct {
    /* To be set. */
    char *const *argv; /* argv[0] is a path */
    char *const *environment;
    const char *folder;
    guint limit_msec;
    gsize output_max;          /* of stdout; 0: stdout counts as stderr, of which the end is kept */
    GCancellable *cancellable; /* kills it; NULL: nothing does */
    gboolean dies_with_thread; /* so does the end of the calling thread */

    /* How it ended: the first that is true. */
    gboolean cancelled, timed_out, flooded;
    int status; /* of waitpid(), where none is */

    char *excess; /* the limit that it has reached, as a clause (host/cell.h); NULL: none */

    GString *output;
    char tail[COMMAND_TAIL_BYTES]; /* the end of its stderr */
    gsize tail_length;
} Command;

/** Runs it and waits for the end of its process; processes that it left behind are then killed.
 * Returns 0, or the errno with which it could not be started. Blocks. */
int command_run(Command *command);

/** The end of its stderr as text, from a whole character on. Caller frees. */
char *command_get_tail(const Command *command);

void command_clear(Command *command);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Command, command_clear)
