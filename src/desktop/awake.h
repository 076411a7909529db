/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Keeps the machine awake while agents are at work, by an inhibitor of logind's.
 */

typedef struct Awake Awake;

/** The machine goes to sleep although agents are at work, and could not be asked not to. */
typedef void (*AwakeSleeps)(guint n, gpointer data);

/** Caller: awake_free(). */
Awake *awake_new(AwakeSleeps sleeps, gpointer data);
void awake_free(Awake *awake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Awake, awake_free)

/** @n agents are at work now. */
void awake_set_busy(Awake *awake, guint n);
