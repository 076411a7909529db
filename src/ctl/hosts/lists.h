/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/hosts/stream.h"

/*
 * The runs of each host of many, as they change there: of a command that prints a line with an
 * array of them whenever they do.
 */

typedef struct HostLists HostLists;

typedef struct {
    /** The @runs of @host, an array. */
    void (*runs)(const char *host, JsonNode *runs, gpointer data);
    /** @host can't be had: its @state, and the reason @said. It is tried again, and runs() says
     * that it is back, unless over() follows. */
    void (*lost)(const char *host, HostState state, const char *said, gpointer data);
    /** The command on one of the hosts has ended with the exit status @status. May be NULL. */
    void (*over)(int status, gpointer data);
} HostListsHandler;

/** Begins the command @words on all hosts of @ctl. A host that is away is tried again after pauses
 *  of at most @longest_msec (0: what is usual). @ctl and @data stay the caller's. Caller:
 *  host_lists_free(). */
HostLists *host_lists_new(Ctl *ctl, const char *const *words, guint longest_msec,
                          const HostListsHandler *handler, gpointer data);
void host_lists_free(HostLists *lists);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostLists, host_lists_free)
