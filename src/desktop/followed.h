/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The runs that somebody follows on a screen. A program that shows one (storkitctl's `watch`,
 * `attach` and `top`, a window) owns a name on the bus for it, which the bus releases when its
 * owner ends.
 */

typedef struct Followed Followed;
typedef struct FollowedNames FollowedNames;

/** A run, or all of them (@run_id NULL), is followed from now on. */
typedef void (*FollowedSeen)(const char *run_id, gpointer data);

/** The names that are owned now; valid during the call. */
typedef void (*FollowedAsked)(const FollowedNames *names, gpointer data);

/** Caller: followed_free(). */
Followed *followed_new(GDBusConnection *bus, FollowedSeen seen, gpointer data);
void followed_free(Followed *followed);

/** Asks the bus; @done is called later, once, unless @followed is freed before. */
void followed_ask(Followed *followed, FollowedAsked done, gpointer data);

gboolean followed_has(const FollowedNames *names, const char *run_id);

/** The name that means @run_id. Caller frees. */
char *followed_name(const char *run_id);
