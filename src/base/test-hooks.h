/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * How tests reach into the service: by environment variables, which HACKING.md lists.
 */

/** A point where tests kill the service: it dies by SIGKILL where STORKIT_FAULT is @name. One
 *  comparison otherwise. Any thread may call it. */
void fault_point(const char *name);

/** To be called first in a process that works for the service: fault points kill that, too. */
void fault_point_ends_parent(void);

/** A limit that tests lower: the number in the environment variable @variable, or @usual where it
 * is not set. */
guint test_limit(const char *variable, guint usual);

/** The text in the environment variable @variable, or NULL where it is not set. */
const char *test_text(const char *variable);
