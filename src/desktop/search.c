/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/search.h"

#include <string.h>

#include "desktop/actions.h"
#include "desktop/info.h"

#define MOST_HITS 20

void search_hit_free(SearchHit *hit)
{
    g_free(hit->id);
    g_free(hit->title);
    g_free(hit->description);
    g_clear_pointer(&hit->info, g_variant_unref);
    g_free(hit);
}

static SearchHit *hit_of_run(const char *run_id, GVariant *info)
{
    g_autofree char *project = info_project_name(info);
    SearchHit *hit = g_new0(SearchHit, 1);
    hit->id = g_strdup(run_id);
    hit->title = g_strdup(info_name(info, "story_id"));
    hit->description = g_strdup_printf("%s, %s (%s)", info_name(info, "agent_name"),
                                       info_name(info, "status"), project);
    hit->info = g_variant_ref(info);
    return hit;
}

static SearchHit *hit_of_project(const char *root)
{
    SearchHit *hit = g_new0(SearchHit, 1);
    hit->id = g_strconcat(PROJECT_PREFIX, root, NULL);
    hit->title = g_path_get_basename(root);
    hit->description = g_strdup_printf("Agents in %s", root);
    return hit;
}

static gboolean contains_all(const char *text, const char *const *terms)
{
    g_autofree char *folded = g_utf8_casefold(text, -1);
    for (; *terms; terms++) {
        g_autofree char *term = g_utf8_casefold(*terms, -1);
        if (!strstr(folded, term))
            return FALSE;
    }
    return TRUE;
}

static gboolean matches_run(GVariant *info, const char *const *terms)
{
    g_autofree char *project = info_project_name(info);
    g_autofree char *text = g_strdup_printf("%s %s %s", info_name(info, "story_id"),
                                            info_name(info, "agent_name"), project);
    return contains_all(text, terms);
}

static int compare_hits(gconstpointer a, gconstpointer b)
{
    const SearchHit *first = *(SearchHit *const *)a, *second = *(SearchHit *const *)b;
    int order =
        (second->info && info_is_live(second->info)) - (first->info && info_is_live(first->info));
    return order != 0 ? order : g_strcmp0(first->title, second->title);
}

static void add_project(GPtrArray *hits, GHashTable *seen, GVariant *info, const char *const *terms)
{
    const char *root = info_name(info, "project_root");
    g_autofree char *name = info_project_name(info);
    if (g_hash_table_add(seen, (gpointer)root) && contains_all(name, terms))
        g_ptr_array_add(hits, hit_of_project(root));
}

GPtrArray *search_find(GHashTable *runs, const char *const *terms)
{
    GPtrArray *hits = g_ptr_array_new_with_free_func((GDestroyNotify)search_hit_free);
    g_autoptr(GHashTable) projects = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    gpointer id, info;
    if (!terms[0])
        return hits;
    g_hash_table_iter_init(&iter, runs);
    while (g_hash_table_iter_next(&iter, &id, &info)) {
        if (matches_run(info, terms))
            g_ptr_array_add(hits, hit_of_run(id, info));
        add_project(hits, projects, info, terms);
    }
    g_ptr_array_sort(hits, compare_hits);
    if (hits->len > MOST_HITS)
        g_ptr_array_set_size(hits, MOST_HITS);
    return hits;
}

SearchHit *search_get(GHashTable *runs, const char *id)
{
    GVariant *info = g_hash_table_lookup(runs, id);
    if (info)
        return hit_of_run(id, info);
    return g_str_has_prefix(id, PROJECT_PREFIX) ? hit_of_project(id + strlen(PROJECT_PREFIX))
                                                : NULL;
}

static void on_done(const GError *error, gpointer data)
{
    if (error)
        g_warning("%s", error->message);
}

void search_open(GDBusConnection *bus, GHashTable *runs, const char *id, const char *action,
                 const char *token)
{
    g_autoptr(SearchHit) hit = search_get(runs, id);
    g_autoptr(GError) error = NULL;
    if (!hit)
        return;
    if (hit->info)
        action_run(bus, action ?: "show", hit->info, token, on_done, NULL);
    else if (!action_open_top(bus, id + strlen(PROJECT_PREFIX), token, &error))
        g_warning("%s", error->message);
}
