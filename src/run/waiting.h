/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/run.h"

/*
 * Waiting: calls of Wait and Stop, which are answered when their run has ended.
 */

typedef struct Waiting Waiting;

Waiting *waiting_new(void);
/** Remaining callers are not answered: see waiting_refuse_all(). */
void waiting_free(Waiting *waiting);

/** A call of Wait: it gets the run's info. */
void waiting_add_waiter(Waiting *waiting, Run *run, Reply reply, gpointer data);

/** A call of Stop: it gets an answer without a value. */
void waiting_add_stopper(Waiting *waiting, Run *run, Reply reply, gpointer data);

/** Answers every call that waits for @run, which has ended or was undone. */
void waiting_answer(Waiting *waiting, Run *run);

/** Those that wait for @run wait for @next, which goes on with it, instead. */
void waiting_move(Waiting *waiting, Run *run, Run *next);

/** Answers everybody with STORKIT_ERROR_SHUTTING_DOWN: the service will not see the end. */
void waiting_refuse_all(Waiting *waiting);
