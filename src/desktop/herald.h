/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * Notifies the user about runs: one notification a run, which changes with it; many at once become
 * one. Nothing is shown for a run that somebody follows on a screen.
 */

typedef struct Herald Herald;

/** Caller: herald_free(). */
Herald *herald_new(GDBusConnection *bus);

/** Notifications on the screen stay there. */
void herald_free(Herald *herald);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Herald, herald_free)

/** The run's state is now @after; NULL: it is gone. Nothing is shown for one that had ended before
 * the herald was created. */
void herald_hear(Herald *herald, const char *run_id, GVariant *after);

/** Tells something that is about no run. */
void herald_tell(Herald *herald, const char *title, const char *body);
