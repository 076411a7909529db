/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "desktop/pool.h"

/*
 * Stories, agents and projects for a desktop's search. A hit has an id: a run id, or PROJECT_PREFIX
 * and a project's path.
 */

#define PROJECT_PREFIX "project:"

typedef struct {
    char *id;
    char *title, *description;
    GVariant *info; /* of a run; NULL: it is a project */
} SearchHit;

/** What all of @terms (case does not matter) are in, live runs first: a GPtrArray of SearchHit.
 *  Caller: g_ptr_array_unref(). */
GPtrArray *search_find(GHashTable *runs, const char *const *terms);

/** What @id names, or NULL where it is gone. Caller: search_hit_free(). */
SearchHit *search_get(GHashTable *runs, const char *id);

void search_hit_free(SearchHit *hit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchHit, search_hit_free)

/** Opens the terminal of what @id names, or does @action (NULL: show) to it. */
void search_open(GDBusConnection *bus, GHashTable *runs, const char *id, const char *action,
                 const char *token);

/** GNOME's and KDE's interfaces to it, exported on @bus until it closes. */
void search_gnome_export(GDBusConnection *bus, DesktopPool *pool);
void search_krunner_export(GDBusConnection *bus, DesktopPool *pool);
