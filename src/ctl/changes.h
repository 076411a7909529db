/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * The runs as the service lists them, and again whenever something about them may have changed. Its
 * signals say when to ask; nothing is polled.
 */

typedef struct Changes Changes;

/** @list: the reply of `List`; NULL where there is no service. */
typedef void (*ChangesHandler)(JsonNode *list, gpointer data);

typedef enum {
    CHANGES_OF_STATE, /* that a run comes, ends, waits, is frozen or gone, and the pool's settings
                       */
    CHANGES_OF_ALL,   /* everything that a run's object has */
} ChangesKind;

/** Asks for the first time, without starting the service, and puts @ctl on an event loop.
 *  Caller: changes_free(). */
Changes *changes_new(Ctl *ctl, ChangesKind kind, ChangesHandler handler, gpointer data,
                     GError **error);

void changes_free(Changes *changes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Changes, changes_free)
