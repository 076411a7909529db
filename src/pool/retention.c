/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/pool-internal.h"
#include "pool/prune.h"

/* A look at all folders comes this long after an end: the next Start is not to share the processor
 * with it, and one does for many ends. */
#define DELAY_MSEC 1000

/* Where it takes long, it takes this part of the time. */
#define LOOK_PART 50

typedef struct {
    Pool *pool;
    Settings settings;
    GPtrArray *gone;
    gint64 took;    /* µs */
    gboolean again; /* the sinks still read one that is to go */
} Prune;

static void prune_in_thread(gpointer data)
{
    Prune *prune = data;
    gint64 begin = g_get_monotonic_time();
    prune->gone = prune_runs(&prune->settings, &prune->again);
    prune->took = g_get_monotonic_time() - begin;
}

static void on_pruned(gpointer data)
{
    g_autofree Prune *prune = data;
    g_autoptr(GPtrArray) gone = prune->gone;
    Pool *pool = prune->pool;
    pool->pruning = FALSE;
    pool->prune_msec = (guint)MIN(prune->took * LOOK_PART / 1000, G_MAXINT);
    for (guint i = 0; i < gone->len; i++) {
        Run *run = runs_find(pool->tools.runs, g_ptr_array_index(gone, i));
        if (run)
            runs_remove(pool->tools.runs, run);
    }
    if (prune->again)
        pool_prune(pool);
}

static gboolean on_prune_timer(gpointer user_data)
{
    Pool *pool = user_data;
    pool->prune_timer = 0;
    pool->pruning = TRUE;
    Prune *prune = g_new0(Prune, 1);
    *prune = (Prune){.pool = pool, .settings = pool->settings};
    work_queue_push(pool->tools.work, "prune", prune_in_thread, on_pruned, prune);
    return G_SOURCE_REMOVE;
}

void pool_prune(Pool *pool)
{
    if (pool->pruning || pool->prune_timer != 0 || pool->shutting_down)
        return;
    pool->prune_timer = g_timeout_add(MAX(pool->prune_msec, DELAY_MSEC), on_prune_timer, pool);
}
