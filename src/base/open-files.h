/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Raises this process's soft limit of open files to its hard one. Each run takes a few descriptors
 *  here: the usual soft limit of 1024 would be the pool's. */
void open_files_raise(void);

/** The soft limit before open_files_raise(), which is what programs that it starts get back; 0:
 *  unknown, or it was never raised. Async-signal-safe. */
guint64 open_files_given(void);

/** Waits until this process can open @count files more, at most half a minute. FALSE: it cannot.
 *  Blocking: for a time in which nobody is served. */
gboolean open_files_wait(guint count);
