/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * One command of storkitctl on one of many hosts, whose output is read line by line. On GLib's
 * default main context: these commands have no bus.
 */

typedef enum {
    HOST_FINE,        /* the command ran; its exit status says how it went */
    HOST_UNREACHABLE, /* ssh failed, or was cut off */
    HOST_NO_PROJECT,  /* the host does not have the project's folder */
    HOST_FAILED,      /* there is no storkitctl, or no service */
} HostState;

/** The state as a word for people: "unreachable". */
const char *host_state_word(HostState state);

typedef struct {
    HostState state;
    int status;       /* the exit status for scripts */
    const char *said; /* the last line of its error output, or one that explains the state; "" */
} HostEnd;

typedef struct HostCall HostCall;

typedef struct {
    /** One line of output, without its newline. May free the call. */
    void (*line)(const char *line, gsize length, gpointer data);
    /** The last one. May free the call. */
    void (*end)(const HostEnd *end, gpointer data);
} HostHandler;

/** Runs `storkitctl --json` with @words and the project and agent of @ctl on @host. @input, which
 *  may be NULL, is its standard input. Caller: host_call_free(). */
HostCall *host_call_new(const Ctl *ctl, const char *host, char *const *words, const char *input,
                        const HostHandler *handler, gpointer data);

/** No line is read while it is paused; one that is being read still comes. */
void host_call_pause(HostCall *call, gboolean paused);

/** Ends the command; its handler is called no more. */
void host_call_free(HostCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostCall, host_call_free)
