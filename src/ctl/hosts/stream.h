/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/hosts/call.h"

/*
 * A command that goes on for long on one host of many, such as watch or wait. Where the link is
 * cut, or the host is away, it is begun again as soon as the host answers.
 *
 * Each time, the host is asked for its runs first: that it answers shows that it is back, and its
 * list tells how to go on.
 */

typedef struct HostStream HostStream;

typedef struct {
    /** The host has answered with its @runs, at first or once more. Returns the words of the
     *  command, and its standard input in @ret_input (NULL: none); both are freed. NULL: nothing is
     *  left to do, and the stream ends with status 0. */
    char **(*begin)(HostStream *stream, JsonArray *runs, char **ret_input, gpointer data);
    /** One line of the command's output. */
    void (*line)(HostStream *stream, const char *line, gsize length, gpointer data);
    /** The host is out of reach; @said is why. It is told once for each time. */
    void (*away)(HostStream *stream, const char *said, gpointer data);
    /** It is back, after @since (µs since the epoch). */
    void (*back)(HostStream *stream, gint64 since, gpointer data);
    /** The last call: the command has ended by itself, or cannot run on this host. */
    void (*end)(HostStream *stream, const HostEnd *end, gpointer data);
} HostStreamHandler;

/** Begins at once. @host and @data stay the caller's. Caller: host_stream_free(). */
HostStream *host_stream_new(const Ctl *ctl, const char *host, const HostStreamHandler *handler,
                            gpointer data);

const char *host_stream_host(const HostStream *stream);

/** How long the pauses between attempts to reach a host become, in ms; 15 s unless it is said: for
 *  streams that nobody looks at. */
void host_stream_set_longest_pause(HostStream *stream, guint msec);

/** See host_call_pause(). */
void host_stream_pause(HostStream *stream, gboolean paused);

void host_stream_free(HostStream *stream);
