/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * Who calls: the kernel told the bus which process made a connection, and nothing that the process
 * says of itself counts.
 */

typedef struct {
    pid_t pid;    /* 0 where nobody knows: it came over the network */
    char *cgroup; /* the folder of the cgroup that its process is in; NULL where nobody knows, or it
                     has gone without waiting for the reply */
} Caller;

/** @caller is the question's. */
typedef void (*CallerFound)(const Caller *caller, gpointer data);

/** Asks the bus who has sent @call; @found comes once, later, in the order of the questions. */
void bus_find_caller(sd_bus_message *call, CallerFound found, gpointer data);
