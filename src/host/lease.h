/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <sys/types.h>

/*
 * Lease: the process that a run lives for. It is known by what the kernel says of it, so that
 * neither the bus nor this service need be there all the time, and a process that gets its number
 * later is not taken for it.
 */

typedef struct {
    guint pid;
    guint64 began; /* in clock ticks since the boot: proc(5), starttime */
    char *boot;    /* that boot's id */
    char *name;    /* of its program, for people */
} Lease;

/** That of the process @pid; NULL: it is gone. Caller frees. */
Lease *lease_of_process(pid_t pid);

/** A pidfd of its process, or -1: it is gone. Caller closes. */
int lease_open(const Lease *lease);

/** "process 1234 (storkitctl)". Caller frees. */
char *lease_to_string(const Lease *lease);

/** NULL gives NULL. Caller frees. */
Lease *lease_copy(const Lease *lease);
void lease_free(Lease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lease, lease_free)

/** To and from the member `lease` of a record; nothing for NULL. Caller frees. */
void lease_write(const Lease *lease, JsonBuilder *builder);
Lease *lease_read(JsonObject *object);
