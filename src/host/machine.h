/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * Machine: which machine a run belongs to. Hosts that share a home see each other's records, and
 * none but the machine itself can tell what is alive on it.
 */

typedef struct {
    char *id;      /* derived from /etc/machine-id for this application; "" where there is none */
    char *boot;    /* the kernel's boot id */
    guint64 space; /* the PID namespace: containers on one kernel have the same boot id */
    char *host;    /* the host name, for people and for ssh */
} Machine;

/** This machine. Any thread; belongs to the process. */
const Machine *machine_get(void);

/** Whether @machine is this one; NULL, in a record of an earlier version, is. Machines with one
 *  machine id (clones, containers) are told apart by their host names, and a machine that was
 *  renamed since it booted is known by that boot. */
gboolean machine_is_ours(const Machine *machine);

/** NULL gives NULL. Caller frees. */
Machine *machine_copy(const Machine *machine);
void machine_free(Machine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Machine, machine_free)

/** To and from the member `machine` of a record. machine_read() returns NULL where there is none.
 *  Caller frees. */
void machine_write(const Machine *machine, JsonBuilder *builder);
Machine *machine_read(JsonObject *object);
