/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

#include "pool/pool.h"

/*
 * The reply to GetManagedObjects of a pool with any number of runs. sd-bus would make it in one
 * turn of the main loop; here it is made in a thread, from values that do not change.
 */

typedef struct ManagedReply ManagedReply;

/** The reply to @call, which it takes a reference of. NULL: there is no memory for it. */
ManagedReply *managed_reply_new(sd_bus_message *call);
void managed_reply_free(ManagedReply *reply);

/** The object @path of the run @run_id has the @state. References are taken, strings copied. */
void managed_reply_add(ManagedReply *reply, const char *run_id, const char *path, GVariant *state);

/** Makes and sends the reply, with the figures that @pool_list() has, frees it, and calls @done;
 *  later, on the main loop. */
void managed_reply_send(ManagedReply *reply, Pool *pool, void (*done)(gpointer data),
                        gpointer data);
