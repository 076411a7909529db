/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Blocking work, off the main loop. Jobs with the same key run one after the other, in the order
 * in which they came (one writer per git repository); those with different keys run side by side.
 */

typedef struct WorkQueue WorkQueue;

/** Runs in a worker thread. */
typedef void (*WorkFunc)(gpointer data);
/** Runs on the main loop once the work is done. */
typedef void (*WorkDone)(gpointer data);

WorkQueue *work_queue_new(void);

/** Frees the queue, which must be idle: see work_queue_is_idle(). */
void work_queue_free(WorkQueue *queue);

/** Queues @work under @key (copied; NULL: in no order). @done is called on the thread-default
 *  main context of the caller; @data stays the caller's. */
void work_queue_push(WorkQueue *queue, const char *key, WorkFunc work, WorkDone done,
                     gpointer data);

/** Whether no job waits and none is at work. */
gboolean work_queue_is_idle(const WorkQueue *queue);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(WorkQueue, work_queue_free)
