/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/stories.h"

#include <stdlib.h>
#include <string.h>

static void add_runs(GHashTable *names, StorkitPool *pool, const char *project_root)
{
    for (guint i = 0; i < g_list_model_get_n_items(G_LIST_MODEL(pool)); i++) {
        g_autoptr(StorkitRun) run = g_list_model_get_item(G_LIST_MODEL(pool), i);
        if (g_strcmp0(storkit_run_get_project_root(run), project_root) == 0)
            g_hash_table_add(names, g_strdup(storkit_run_get_story_id(run)));
    }
}

static void add_worktrees(GHashTable *names, GVariant *worktrees)
{
    for (gsize i = 0; i < g_variant_n_children(worktrees); i++) {
        g_autoptr(GVariant) worktree = g_variant_get_child_value(worktrees, i);
        char *story;
        if (g_variant_lookup(worktree, "story", "s", &story))
            g_hash_table_add(names, story);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **stories_list(StorkitPool *pool, const char *project_root, GVariant *worktrees)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint n;
    add_runs(names, pool, project_root);
    if (worktrees)
        add_worktrees(names, worktrees);
    char **list = (char **)g_hash_table_get_keys_as_array(names, &n);
    g_hash_table_steal_all(names);
    qsort(list, n, sizeof(*list), compare);
    return list;
}
