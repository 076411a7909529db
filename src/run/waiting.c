/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "pool/pool-internal.h"
#include "run/run-info.h"

/*
 * Calls of Wait and Stop that are answered when a run has ended; and what still waits, Starts too,
 * at the end of the service.
 */

typedef struct {
    PoolReply reply;
    gpointer data;
} Pending;

static void add_pending(GHashTable *table, Run *run, PoolReply reply, gpointer data)
{
    GArray *pendings = g_hash_table_lookup(table, run);
    if (!pendings) {
        pendings = g_array_new(FALSE, FALSE, sizeof(Pending));
        g_hash_table_insert(table, run_ref(run), pendings);
    }
    Pending pending = {reply, data};
    g_array_append_val(pendings, pending);
}

static GArray *take_pending(GHashTable *table, Run *run)
{
    g_autoptr(Run) key = NULL;
    GArray *pendings = NULL;
    g_hash_table_steal_extended(table, run, (gpointer *)&key, (gpointer *)&pendings);
    return pendings;
}

void pool_answer_waiters(Pool *pool, Run *run)
{
    g_autoptr(GArray) waiters = take_pending(pool->waiters, run);
    g_autoptr(GArray) stoppers = take_pending(pool->stoppers, run);
    g_autoptr(GVariant) info = g_variant_ref_sink(run_get_info(run));
    g_autoptr(GError) undone = NULL;
    if (!run->result)
        g_set_error(&undone, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN,
                    "run %s could not be started", run->record->run_id);

    for (guint i = 0; waiters && i < waiters->len; i++) {
        const Pending *pending = &g_array_index(waiters, Pending, i);
        pending->reply(undone ? NULL : info, undone, pending->data);
    }
    for (guint i = 0; stoppers && i < stoppers->len; i++) {
        const Pending *pending = &g_array_index(stoppers, Pending, i);
        pending->reply(NULL, NULL, pending->data);
    }
}

void pool_add_waiter(Pool *pool, Run *run, PoolReply reply, gpointer data)
{
    add_pending(pool->waiters, run, reply, data);
}

void pool_add_stopper(Pool *pool, Run *run, PoolReply reply, gpointer data)
{
    add_pending(pool->stoppers, run, reply, data);
}

static void refuse_pending(GHashTable *table)
{
    g_autoptr(GError) error =
        g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                            "the service is going down and the run goes on: ask again");
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        GArray *pendings = value;
        for (guint i = 0; i < pendings->len; i++) {
            const Pending *pending = &g_array_index(pendings, Pending, i);
            pending->reply(NULL, error, pending->data);
        }
    }
    g_hash_table_remove_all(table);
}

void pool_refuse_waiters(Pool *pool)
{
    for (guint i = 0; i < pool->starts->len; i++)
        start_answer_at_end(g_ptr_array_index(pool->starts, i));
    refuse_pending(pool->waiters);
    refuse_pending(pool->stoppers);
}
