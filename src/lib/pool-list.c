/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pool-internal.h"

#include "lib/run-internal.h"

static const char *path_of(GVariant *info)
{
    const char *path = NULL;
    (void)g_variant_lookup(info, "object_path", "&o", &path);
    return path;
}

static StorkitRun *add(StorkitPool *self, const char *path, GVariant *info)
{
    CallTarget target = pool_target(self);
    StorkitRun *run = run_new(self->bus, target.no_auto_start, info);
    g_ptr_array_add(self->runs, run);
    g_hash_table_insert(self->by_path, g_strdup(path), run);
    g_list_model_items_changed(G_LIST_MODEL(self), self->runs->len - 1, 0, 1);
    g_signal_emit_by_name(self, "run-added", run);
    return run;
}

StorkitRun *pool_take_info(StorkitPool *self, GVariant *info)
{
    const char *path = path_of(info);
    if (!path)
        return NULL;
    StorkitRun *run = g_hash_table_lookup(self->by_path, path);
    if (!run)
        return add(self, path, info);
    run_update(run, info, FALSE);
    return run;
}

void pool_remove(StorkitPool *self, const char *path)
{
    guint index;
    StorkitRun *known = g_hash_table_lookup(self->by_path, path);
    if (!known || !g_ptr_array_find(self->runs, known, &index))
        return;
    g_autoptr(StorkitRun) run = g_ptr_array_steal_index(self->runs, index);
    g_hash_table_remove(self->by_path, path);
    g_list_model_items_changed(G_LIST_MODEL(self), index, 1, 0);
    g_signal_emit_by_name(self, "run-removed", run);
}

static void remove_others(StorkitPool *self, GHashTable *seen)
{
    g_autoptr(GPtrArray) runs = storkit_pool_dup_runs(self);
    for (guint i = 0; i < runs->len; i++) {
        const char *path = storkit_run_get_object_path(runs->pdata[i]);
        if (!g_hash_table_contains(seen, path))
            pool_remove(self, path);
    }
}

static void take_whole_info(StorkitPool *self, GVariant *info)
{
    StorkitRun *run = g_hash_table_lookup(self->by_path, path_of(info));
    if (run)
        run_update(run, info, TRUE);
    else
        pool_take_info(self, info);
}

void pool_take_list(StorkitPool *self, GVariant *reply)
{
    g_autoptr(GVariant) list = g_variant_get_child_value(reply, 0);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) infos = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        GVariant *info = g_variant_get_child_value(list, i);
        g_ptr_array_add(infos, info);
        if (path_of(info))
            g_hash_table_add(seen, (gpointer)path_of(info));
    }
    remove_others(self, seen);
    for (guint i = 0; i < infos->len; i++)
        if (path_of(infos->pdata[i]))
            take_whole_info(self, infos->pdata[i]);
}

StorkitRun *storkit_pool_get_run(StorkitPool *self, const char *run_id)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self) && run_id, NULL);
    for (guint i = 0; i < self->runs->len; i++)
        if (g_strcmp0(storkit_run_get_run_id(self->runs->pdata[i]), run_id) == 0)
            return self->runs->pdata[i];
    return NULL;
}

GPtrArray *storkit_pool_dup_runs(StorkitPool *self)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self), NULL);
    GPtrArray *runs = g_ptr_array_new_with_free_func(g_object_unref);
    for (guint i = 0; i < self->runs->len; i++)
        g_ptr_array_add(runs, g_object_ref(self->runs->pdata[i]));
    return runs;
}
