/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * Who calls: the kernel told the bus which process made a connection, and nothing that the process
 * says of itself counts.
 */

/** @cgroup: the folder of the cgroup that the caller's process is in; NULL where the bus does not
 *  know the process (it came over the network). @error: STORKIT_ERROR_NOT_ALLOWED, the caller has
 *  gone. */
typedef void (*CallerFound)(const char *cgroup, const GError *error, gpointer data);

/** Asks the bus who has sent @call; @found comes once, later. */
void bus_find_caller(sd_bus_message *call, CallerFound found, gpointer data);
