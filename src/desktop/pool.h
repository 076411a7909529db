/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The runs, as the service lists them. Its signals say when to look, `List` has the runs: so a
 * missed signal, or an absent service, only costs time. Never starts the service.
 */

typedef struct DesktopPool DesktopPool;

typedef struct {
    /** A run has come (@before NULL), may have changed, or is gone (@after NULL). */
    void (*changed)(const char *run_id, GVariant *before, GVariant *after, gpointer data);
    /** One look is complete. */
    void (*looked)(gpointer data);
} DesktopPoolListener;

/** Looks as soon as the service is there. @listener stays the caller's. Caller:
 *  desktop_pool_free(). */
DesktopPool *desktop_pool_new(GDBusConnection *bus, const DesktopPoolListener *listener,
                              gpointer data);

void desktop_pool_free(DesktopPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DesktopPool, desktop_pool_free)

/** The infos by run id, as of the last look. The table is the pool's. */
GHashTable *desktop_pool_runs(DesktopPool *pool);

/** Calls @done when the runs are known: at once, but for the first time while the service does not
 *  run, when it is started to tell. For a person who has asked for them. */
void desktop_pool_ensure(DesktopPool *pool, GSourceFunc done, gpointer data);
