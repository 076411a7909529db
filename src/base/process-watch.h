/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The ends of processes, with one source of the main loop for all of them: with a source each,
 * every turn of the loop would look at every process. Main loop only.
 */

typedef struct ProcessWatch ProcessWatch;

/** Called once, on the main loop; the watch is gone then. */
typedef void (*ProcessGone)(void *data);

/** Tells @gone when the process of @pidfd, which must stay open until then, has ended. */
ProcessWatch *process_watch_new(int pidfd, ProcessGone gone, void *data);

/** Nothing is told any more. NULL is allowed. */
void process_watch_free(ProcessWatch *watch);
