/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/pool-internal.h"
#include "pool/prune.h"

typedef struct {
    Pool *pool;
    Settings settings;
    GPtrArray *gone;
} Prune;

static void prune_in_thread(gpointer data)
{
    Prune *prune = data;
    prune->gone = prune_runs(&prune->settings);
}

static void on_pruned(gpointer data)
{
    g_autofree Prune *prune = data;
    g_autoptr(GPtrArray) gone = prune->gone;
    Pool *pool = prune->pool;
    pool->pruning = FALSE;
    for (guint i = 0; i < gone->len; i++) {
        Run *run = runs_find(pool->tools.runs, g_ptr_array_index(gone, i));
        if (run)
            runs_remove(pool->tools.runs, run);
    }
}

void pool_prune(Pool *pool)
{
    if (pool->pruning || pool->shutting_down)
        return;
    pool->pruning = TRUE;
    Prune *prune = g_new0(Prune, 1);
    *prune = (Prune){.pool = pool, .settings = pool->settings};
    work_queue_push(pool->tools.work, "prune", prune_in_thread, on_pruned, prune);
}
