/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/elsewhere.h"

#include <string.h>

#include "base/names.h"
#include "base/util.h"
#include "store/folder.h"

struct Elsewhere {
    ElsewhereRead read;
    gpointer data;
    GMutex mutex;
    GHashTable *own; /* ids of this machine's runs as of the last look: those stay so */
};

Elsewhere *elsewhere_new(ElsewhereRead read, gpointer data)
{
    Elsewhere *elsewhere = g_new0(Elsewhere, 1);
    elsewhere->read = read;
    elsewhere->data = data;
    g_mutex_init(&elsewhere->mutex);
    elsewhere->own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return elsewhere;
}

void elsewhere_free(Elsewhere *elsewhere)
{
    if (!elsewhere)
        return;
    g_hash_table_unref(elsewhere->own);
    g_mutex_clear(&elsewhere->mutex);
    g_free(elsewhere);
}

/* --- Reading them --- */

typedef struct {
    Run *run;
    gboolean listed;
} Found;

static void found_clear(Found *found)
{
    run_unref(found->run);
}

static int by_age(gconstpointer a, gconstpointer b)
{
    const RunRecord *left = run_get_record(((const Found *)a)->run);
    const RunRecord *right = run_get_record(((const Found *)b)->run);
    return left->created < right->created ? -1 : left->created > right->created;
}

/* Only its record: looking for the shim of a run that is just being started would be in its way. */
static gboolean is_elsewhere(const char *run_id, GHashTable *own)
{
    autofd folder_fd = run_folder_open(run_id, NULL);
    g_autoptr(RunRecord) record = folder_fd < 0 ? NULL : run_record_read(folder_fd, NULL);
    if (record && run_record_host(record))
        return TRUE;
    if (record)
        g_hash_table_add(own, g_strdup(run_id));
    return FALSE;
}

static void look_at(const Elsewhere *elsewhere, const char *run_id, GHashTable *own, GArray *found)
{
    gboolean listed = TRUE;
    Run *run = is_elsewhere(run_id, own) ? elsewhere->read(run_id, &listed, elsewhere->data) : NULL;
    Found one = {run, listed};
    if (run)
        g_array_append_val(found, one);
}

static void look_at_all(Elsewhere *elsewhere, GArray *found)
{
    g_autoptr(GHashTable) own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *path = runs_folder();
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        if (g_hash_table_contains(elsewhere->own, name))
            g_hash_table_add(own, g_strdup(name));
        else if (run_id_is_valid(name))
            look_at(elsewhere, name, own, found);
    }
    g_hash_table_unref(elsewhere->own);
    elsewhere->own = g_steal_pointer(&own);
}

/* Found, the oldest first. Caller unrefs. */
static GArray *find_all(Elsewhere *elsewhere)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(Found));
    g_array_set_clear_func(found, (GDestroyNotify)found_clear);
    g_mutex_lock(&elsewhere->mutex);
    look_at_all(elsewhere, found);
    g_mutex_unlock(&elsewhere->mutex);
    g_array_sort(found, by_age);
    return found;
}

/* --- What is asked for --- */

static char *key_of(const Run *run)
{
    const RunRecord *record = run_get_record(run);
    return g_strjoin("\n", record->story, record->agent, record->project_root,
                     run_record_host(record), NULL);
}

/* As on their own machine: a run that was stopped hides those before it. */
GPtrArray *elsewhere_list(Elsewhere *elsewhere)
{
    g_autoptr(GArray) found = find_all(elsewhere);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
    for (guint i = found->len; i > 0; i--) {
        const Found *one = &g_array_index(found, Found, i - 1);
        gboolean newest = g_hash_table_add(seen, key_of(one->run));
        if (run_is_live(one->run) || (newest && one->listed))
            g_ptr_array_insert(list, 0, run_ref(one->run));
    }
    return list;
}

static gboolean has_key(const Run *run, const char *root, const char *story, const char *agent)
{
    const RunRecord *record = run_get_record(run);
    return g_str_equal(record->story, story) && g_str_equal(record->project_root, root) &&
           (!*agent || g_str_equal(record->agent, agent));
}

Run *elsewhere_find(Elsewhere *elsewhere, const char *root, const char *story, const char *agent)
{
    g_autoptr(GPtrArray) list = elsewhere_list(elsewhere);
    Run *newest = NULL;
    for (guint i = list->len; i > 0; i--) {
        Run *run = list->pdata[i - 1];
        if (!has_key(run, root, story, agent))
            continue;
        if (run_is_live(run))
            return run_ref(run);
        if (!newest)
            newest = run;
    }
    return newest ? run_ref(newest) : NULL;
}
