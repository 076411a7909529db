/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/work-queue.h"

#include <gio/gio.h>

struct WorkQueue {
    GHashTable *lanes; /* char *key -> GQueue of Job *: the head is the one that runs */
    guint running;
};

typedef struct {
    WorkQueue *queue;
    char *key;
    WorkFunc work;
    WorkDone done;
    gpointer data;
} Job;

static void job_free(Job *job)
{
    g_free(job->key);
    g_free(job);
}

WorkQueue *work_queue_new(void)
{
    WorkQueue *queue = g_new0(WorkQueue, 1);
    queue->lanes =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_queue_free);
    return queue;
}

void work_queue_free(WorkQueue *queue)
{
    g_assert(work_queue_is_idle(queue));
    g_hash_table_unref(queue->lanes);
    g_free(queue);
}

gboolean work_queue_is_idle(const WorkQueue *queue)
{
    return queue->running == 0 && g_hash_table_size(queue->lanes) == 0;
}

static void run_in_thread(GTask *task, gpointer source, gpointer task_data, GCancellable *unused)
{
    Job *job = task_data;
    job->work(job->data);
    g_task_return_boolean(task, TRUE);
}

static void on_done(GObject *source, GAsyncResult *result, gpointer user_data);

static void start_job(Job *job)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, on_done, job);
    g_task_set_task_data(task, job, NULL);
    job->queue->running++;
    g_task_run_in_thread(task, run_in_thread);
}

static void start_next_of_lane(WorkQueue *queue, const char *key)
{
    GQueue *lane = g_hash_table_lookup(queue->lanes, key);
    g_queue_pop_head(lane);
    if (g_queue_is_empty(lane))
        g_hash_table_remove(queue->lanes, key);
    else
        start_job(g_queue_peek_head(lane));
}

static void on_done(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Job *job = user_data;
    job->queue->running--;
    if (job->key)
        start_next_of_lane(job->queue, job->key);
    job->done(job->data);
    job_free(job);
}

void work_queue_push(WorkQueue *queue, const char *key, WorkFunc work, WorkDone done, gpointer data)
{
    Job *job = g_new0(Job, 1);
    *job = (Job){.queue = queue, .key = g_strdup(key), .work = work, .done = done, .data = data};
    if (!key) {
        start_job(job);
        return;
    }

    GQueue *lane = g_hash_table_lookup(queue->lanes, key);
    if (!lane) {
        lane = g_queue_new();
        g_hash_table_insert(queue->lanes, g_strdup(key), lane);
    }
    g_queue_push_tail(lane, job);
    if (g_queue_get_length(lane) == 1)
        start_job(job);
}
