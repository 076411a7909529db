/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * Explains to a user who presses Ctrl-C what continues: the service carries out a request even when
 * its client has gone.
 */

typedef struct Interrupt Interrupt;

/** Until interrupt_free(), a SIGINT says @advice on standard error (not with -q) and then ends the
 *  program as it always does. For a Ctl that has its event loop. */
Interrupt *interrupt_new(Ctl *ctl, const char *advice);

/** Says something else from now on. */
void interrupt_set(Interrupt *interrupt, const char *advice);

void interrupt_free(Interrupt *interrupt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Interrupt, interrupt_free)
