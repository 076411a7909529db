/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/pool-internal.h"
#include "host/pressure.h"

/*
 * Who may start: MaxAgents, the queue behind it, the pressure gate, and Starts that wait for
 * another run's setup.
 */

/* How often the memory pressure is looked at while it holds starts back: PSI's own average is one
 * over ten seconds. */
#define PRESSURE_SECONDS 2

static void renumber_queue(Pool *pool)
{
    guint position = 0;
    for (GList *link = pool->queue.head; link; link = link->next) {
        Run *run = start_get_run(link->data);
        if (run->queue_position == ++position)
            continue;
        run->queue_position = position;
        runs_tell_changed(pool->runs, run);
    }
}

/* Looks again only while somebody waits: an idle pool makes no wake-ups. */
static gboolean on_pressure_timer(gpointer user_data)
{
    Pool *pool = user_data;
    pool->pressure_timer = 0;
    pool_advance(pool);
    return G_SOURCE_REMOVE;
}

gboolean pool_has_room(Pool *pool)
{
    return runs_count_running(pool->runs) < pool->settings.max_agents &&
           (pool->settings.memory_pressure == 0 ||
            pressure_get_memory() < pool->settings.memory_pressure);
}

static void admit_queued(Pool *pool)
{
    /* A queued run is admitted once its folder is written. */
    while (pool->queue.length > 0 && !pool->shutting_down && pool_has_room(pool) &&
           start_is_admissible(g_queue_peek_head(&pool->queue)))
        start_admit(g_queue_pop_head(&pool->queue));
    renumber_queue(pool);
    if (pool->queue.length > 0 && pool->settings.memory_pressure > 0 && pool->pressure_timer == 0)
        pool->pressure_timer = g_timeout_add_seconds(PRESSURE_SECONDS, on_pressure_timer, pool);
}

GPtrArray *pool_snapshot_starts(const Pool *pool)
{
    GPtrArray *starts = g_ptr_array_new();
    g_ptr_array_extend(starts, pool->starts, NULL, NULL);
    return starts;
}

static void retry_waiting(Pool *pool)
{
    g_autoptr(GPtrArray) starts = pool_snapshot_starts(pool);
    for (guint i = 0; i < starts->len; i++)
        if (g_ptr_array_find(pool->starts, g_ptr_array_index(starts, i), NULL))
            start_retry(g_ptr_array_index(starts, i));
}

void pool_advance(Pool *pool)
{
    retry_waiting(pool);
    admit_queued(pool);
    runs_tell_counts(pool->runs);
}
