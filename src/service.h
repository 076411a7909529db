/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The service: the pool, its sinks, and the connection to the bus that they are on.
 */

typedef struct Service Service;

/** Connects, finds the runs there are, and takes the name. */
Service *service_new(GMainLoop *loop, GError **error);
void service_free(Service *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Service, service_free)

/** After the loop: answers what still waits, and closes the connections. FALSE where a worker or a
 *  Start is still at something: then nothing may be freed, and the process is to end as it is. */
gboolean service_close(Service *service);

/** Ends the loop once nothing is half done. Runs are not touched. */
void service_stop(Service *service);

/** 0, or 1 where the service ended because it could not go on. */
int service_get_exit_status(const Service *service);
