/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/pool.h>

#include "lib/call.h"

struct _StorkitPool {
    GObject parent;
    GDBusConnection *bus;
    StorkitPoolFlags flags;
    GPtrArray *runs;     /* StorkitRun, the list */
    GHashTable *by_path; /* the same, by the path of the object */
    GHashTable *values;  /* of our properties, by their name on the bus: GVariant */

    GCancellable *life; /* cancelled when the pool goes */
    guint watch;        /* of the name */
    char *owner;        /* whose signals we get; NULL: the service is not there */
    guint signals[4];
    gboolean scanned; /* the owner's list is known; until then its signals wait */
    GQueue waiting;   /* of PoolSignal */
};

/* The list (pool-list.c). An info is an a{sv}, as Start or Get gives it. */

/** The run of an info, which is added if it is new. */
StorkitRun *pool_take_info(StorkitPool *self, GVariant *info);

/** Makes the list that of the reply to List. */
void pool_take_list(StorkitPool *self, GVariant *reply);

/** Takes the run with that path off the list. */
void pool_remove(StorkitPool *self, const char *path);

/** Takes properties of the pool's own (a{sv}), with notify for what changes. */
void pool_take_properties(StorkitPool *self, GVariant *values);

/* The connection (pool-link.c). */

/** Begins to follow the service as it comes and goes, in this thread's default context. */
void pool_link_watch(StorkitPool *self);
void pool_link_end(StorkitPool *self);

/** Subscribes to the signals of a service that has come. */
void pool_link_begin(StorkitPool *self, const char *owner);

/** Takes the replies to List and to GetAll of the pool's properties; the signals that have waited
 * come after that. */
void pool_link_scanned(StorkitPool *self, GVariant *runs, GVariant *properties);

/** Asks for both. */
void pool_link_scan_async(StorkitPool *self, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data);
gboolean pool_link_scan_finish(StorkitPool *self, GAsyncResult *result, GError **error);
gboolean pool_link_scan(StorkitPool *self, GCancellable *cancellable, GError **error);

/** Whom calls go to. */
CallTarget pool_target(StorkitPool *self);

/* The beginning (pool-new.c). */

void pool_initable_init(GInitableIface *interface);
void pool_async_initable_init(GAsyncInitableIface *interface);
