/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Work that waits for the main loop to have nothing more urgent, with one idle source for all of
 * it: GLib runs all idle sources that are due in one turn, and a thousand of them would hold up
 * whoever calls meanwhile. Main loop only.
 */

typedef struct IdleTurn IdleTurn;

/** Called once, on the main loop; the turn is gone then. */
typedef void (*IdleTurnFunc)(void *data);

/** Lets @func have a turn behind those that wait already. */
IdleTurn *idle_turn_new(IdleTurnFunc func, void *data);

/** Takes a turn back that has not come. NULL is allowed. */
void idle_turn_free(IdleTurn *turn);
