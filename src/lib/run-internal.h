/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/run.h>

#include "lib/call.h"

struct _StorkitRun {
    GObject parent;
    GDBusConnection *bus; /* NULL: of another machine */
    gboolean no_auto_start;
    GHashTable *values; /* by property, GVariant; one that is 0 or empty is not there */
};

/** A run of the service's, with what the info @info (a{sv}) says. */
StorkitRun *run_new(GDBusConnection *bus, gboolean no_auto_start, GVariant *info);

/** Takes values, by their keys of an info or their names on the bus (`run_id`, `RunId`), with one
 * notify for each that changes. @whole: those that are not there have none. */
void run_update(StorkitRun *self, GVariant *values, gboolean whole);

/** The value of a property, or NULL. */
GVariant *run_value(StorkitRun *self, const char *property);

/** The run's object, and the pool, as long as the run lives. */
CallTarget run_target(StorkitRun *self);
CallTarget run_pool_target(StorkitRun *self);
