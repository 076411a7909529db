/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Loads from and stores to a mapped file that somebody else may cut short at any time: the kernel
 * answers them with SIGBUS then. Here the page is replaced by one of memory alone, all zeros, and
 * both go on.
 */

/** Takes over SIGBUS. Before the first of the calls below; one at any other place is as deadly as
 *  before. */
void sigbus_init(void);

/** From any thread. What was stored to a page that is lost is 0 from then on. */
guint64 sigbus_load(guint64 *place);

/** From any thread. What is stored to a page that is lost is kept as long as the mapping. */
void sigbus_store(guint64 *place, guint64 value);
