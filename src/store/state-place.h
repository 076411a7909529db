/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The type of the network file system that the state folder is on, such as "nfs4"; NULL where it
 *  is on one of this machine. There, locks and FIFOs do not cross from host to host, and nothing
 *  wakes a reader on another one. Caller frees. */
char *state_network_file_system(void);
