/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Loads from and stores to a mapped file that others may truncate at any time, for which the kernel
 * sends SIGBUS. Here the lost page is replaced by anonymous memory, all zeros, and the load or
 * store continues.
 */

/** Takes over SIGBUS; to be called before the calls below. Anywhere else it stays deadly. */
void sigbus_init(void);

/** From any thread. A value on a page that is lost is 0 from then on. */
guint64 sigbus_load(guint64 *place);

/** From any thread. A value stored to a page that is lost lives as long as the mapping. */
void sigbus_store(guint64 *place, guint64 value);
