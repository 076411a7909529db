/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * Tells a person what becomes of the runs: one notification a run, which changes with it; many at
 * once become one. A run that somebody follows on a screen is not told of.
 */

typedef struct Herald Herald;

/** Caller: herald_free(). */
Herald *herald_new(GDBusConnection *bus);

/** What is on the screen stays there. */
void herald_free(Herald *herald);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Herald, herald_free)

/** The run's state is now @after; NULL: it is gone. Of one that had ended before the herald was
 *  made nothing is told. */
void herald_hear(Herald *herald, const char *run_id, GVariant *after);

/** Tells something that is about no run. */
void herald_tell(Herald *herald, const char *title, const char *body);
