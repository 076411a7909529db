/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * Who calls: the kernel told the bus which process made a connection, and nothing that the process
 * says of itself counts.
 */

/** @cgroup: the folder of the cgroup that the caller's process is in; NULL where nobody knows: it
 *  has gone without waiting for the reply, or came over the network. */
typedef void (*CallerFound)(const char *cgroup, gpointer data);

/** Asks the bus who has sent @call; @found comes once, later, in the order of the questions. */
void bus_find_caller(sd_bus_message *call, CallerFound found, gpointer data);
