/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/waiting.h"

#include "base/error.h"
#include "run/run-info.h"

struct Waiting {
    GHashTable *waiters;  /* Run * -> GArray of Pending: calls of Wait */
    GHashTable *stoppers; /* Run * -> GArray of Pending: calls of Stop */
};

typedef struct {
    Reply reply;
    gpointer data;
} Pending;

static void add_pending(GHashTable *table, Run *run, Reply reply, gpointer data)
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

void waiting_answer(Waiting *waiting, Run *run)
{
    g_autoptr(GArray) waiters = take_pending(waiting->waiters, run);
    g_autoptr(GArray) stoppers = take_pending(waiting->stoppers, run);
    g_autoptr(GVariant) info = g_variant_ref_sink(run_get_info(run));
    g_autoptr(GError) undone = NULL;
    if (!run_get_result(run))
        g_set_error(&undone, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN,
                    "run %s could not be started", run_get_id(run));

    for (guint i = 0; waiters && i < waiters->len; i++) {
        const Pending *pending = &g_array_index(waiters, Pending, i);
        pending->reply(undone ? NULL : info, undone, pending->data);
    }
    for (guint i = 0; stoppers && i < stoppers->len; i++) {
        const Pending *pending = &g_array_index(stoppers, Pending, i);
        pending->reply(NULL, NULL, pending->data);
    }
}

void waiting_add_waiter(Waiting *waiting, Run *run, Reply reply, gpointer data)
{
    add_pending(waiting->waiters, run, reply, data);
}

void waiting_add_stopper(Waiting *waiting, Run *run, Reply reply, gpointer data)
{
    add_pending(waiting->stoppers, run, reply, data);
}

void waiting_move(Waiting *waiting, Run *run, Run *next)
{
    g_autoptr(GArray) waiters = take_pending(waiting->waiters, run);
    for (guint i = 0; waiters && i < waiters->len; i++) {
        const Pending *pending = &g_array_index(waiters, Pending, i);
        waiting_add_waiter(waiting, next, pending->reply, pending->data);
    }
    waiting_answer(waiting, run);
}

static void refuse_pending(GHashTable *table)
{
    g_autoptr(GError) error =
        g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                            "the service is shutting down; the run continues: ask again");
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

void waiting_refuse_all(Waiting *waiting)
{
    refuse_pending(waiting->waiters);
    refuse_pending(waiting->stoppers);
}

static GHashTable *new_table(void)
{
    return g_hash_table_new_full(NULL, NULL, (GDestroyNotify)run_unref,
                                 (GDestroyNotify)g_array_unref);
}

Waiting *waiting_new(void)
{
    Waiting *waiting = g_new0(Waiting, 1);
    waiting->waiters = new_table();
    waiting->stoppers = new_table();
    return waiting;
}

void waiting_free(Waiting *waiting)
{
    g_hash_table_unref(waiting->waiters);
    g_hash_table_unref(waiting->stoppers);
    g_free(waiting);
}
