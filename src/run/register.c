/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/register.h"

#include "run/run-info.h"

typedef struct {
    Run *run;
    gboolean listed;  /* List shows it */
    gboolean visible; /* its events go out: from the gate, or from the reply `pending`, on */
    GVariant *state;  /* see runs_get_state(); NULL: to be made */
} Entry;

typedef struct {
    RunsHeard heard;
    gpointer data;
} Listener;

struct Runs {
    GPtrArray *entries;   /* Entry *, oldest first: live runs, and the listed ended ones */
    GHashTable *by_id;    /* run id -> Entry * */
    GHashTable *by_key;   /* key -> GPtrArray of Entry *, oldest first */
    GHashTable *sessions; /* key -> char *: the last session of a story's agent */
    GHashTable *agents;   /* key without an agent -> char *: whose session was the story's last */
    GHashTable *limits;   /* account -> guint64 *: see runs_keep_limit() */
    GArray *listeners;
    Waiting *waiting;
};

static void entry_free(Entry *entry)
{
    run_unref(entry->run);
    g_clear_pointer(&entry->state, g_variant_unref);
    g_free(entry);
}

Runs *runs_new(void)
{
    Runs *runs = g_new0(Runs, 1);
    runs->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    runs->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    runs->by_key =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    runs->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    runs->agents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    runs->limits = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    runs->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    runs->waiting = waiting_new();
    return runs;
}

void runs_free(Runs *runs)
{
    if (!runs)
        return;
    waiting_free(runs->waiting);
    g_hash_table_unref(runs->by_id);
    g_hash_table_unref(runs->by_key);
    g_ptr_array_unref(runs->entries);
    g_hash_table_unref(runs->sessions);
    g_hash_table_unref(runs->agents);
    g_hash_table_unref(runs->limits);
    g_array_unref(runs->listeners);
    g_free(runs);
}

Waiting *runs_get_waiting(const Runs *runs)
{
    return runs->waiting;
}

/* --- Listeners --- */

void runs_add_listener(Runs *runs, RunsHeard heard, gpointer data)
{
    Listener listener = {heard, data};
    g_array_append_val(runs->listeners, listener);
}

void runs_remove_listener(Runs *runs, gpointer data)
{
    for (guint i = runs->listeners->len; i > 0; i--)
        if (g_array_index(runs->listeners, Listener, i - 1).data == data)
            g_array_remove_index(runs->listeners, i - 1);
}

static Entry *entry_of(const Runs *runs, const Run *run);

void runs_tell(Runs *runs, const RunNews *news)
{
    Entry *entry = news->run ? entry_of(runs, news->run) : NULL;
    if (entry)
        g_clear_pointer(&entry->state, g_variant_unref);
    for (guint i = 0; i < runs->listeners->len; i++) {
        const Listener *listener = &g_array_index(runs->listeners, Listener, i);
        listener->heard(news, listener->data);
    }
}

void runs_tell_changed(Runs *runs, Run *run)
{
    runs_tell(runs, &(RunNews){.kind = NEWS_CHANGED, .run = run});
}

void runs_tell_counts(Runs *runs)
{
    runs_tell(runs, &(RunNews){.kind = NEWS_COUNTS});
}

/* --- Keys --- */

static char *make_key(const char *root, const char *story, const char *agent)
{
    return g_strjoin("\n", story, agent, root, NULL);
}

static char *key_of(const Run *run)
{
    return make_key(run_get_record(run)->project_root, run_get_record(run)->story,
                    run_get_record(run)->agent);
}

static void add_to_key(Runs *runs, Entry *entry)
{
    char *key = key_of(entry->run);
    GPtrArray *same = g_hash_table_lookup(runs->by_key, key);
    if (same) {
        g_free(key);
    } else {
        same = g_ptr_array_new();
        g_hash_table_insert(runs->by_key, key, same);
    }
    g_ptr_array_add(same, entry);
}

static void remove_from_key(Runs *runs, Entry *entry)
{
    g_autofree char *key = key_of(entry->run);
    GPtrArray *same = g_hash_table_lookup(runs->by_key, key);
    g_ptr_array_remove(same, entry);
    if (same->len == 0)
        g_hash_table_remove(runs->by_key, key);
}

/* --- Coming and going --- */

static Entry *get_entry(const Runs *runs, guint i)
{
    return g_ptr_array_index(runs->entries, i);
}

static Entry *entry_of(const Runs *runs, const Run *run)
{
    Entry *entry = g_hash_table_lookup(runs->by_id, run_get_id(run));
    return entry && entry->run == run ? entry : NULL;
}

static Entry *add(Runs *runs, Run *run)
{
    Entry *entry = g_new0(Entry, 1);
    entry->run = run_ref(run);
    g_ptr_array_add(runs->entries, entry);
    g_hash_table_insert(runs->by_id, g_strdup(run_get_id(run)), entry);
    add_to_key(runs, entry);
    return entry;
}

void runs_add(Runs *runs, Run *run)
{
    add(runs, run)->listed = TRUE;
    runs_tell(runs, &(RunNews){.kind = NEWS_ADDED, .run = run});
}

void runs_add_ended(Runs *runs, Run *run, gboolean listed)
{
    Entry *entry = add(runs, run);
    entry->listed = listed;
    entry->visible = TRUE;
}

void runs_remove(Runs *runs, Run *run)
{
    Entry *entry = entry_of(runs, run);
    g_autoptr(Run) keep = run_ref(run);
    if (!entry)
        return;
    g_hash_table_remove(runs->by_id, run_get_id(run));
    remove_from_key(runs, entry);
    g_ptr_array_remove(runs->entries, entry);
    runs_tell_changed(runs, run);
}

void runs_forget_replaced(Runs *runs)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = runs->entries->len; i > 0; i--) {
        const Entry *entry = get_entry(runs, i - 1);
        gboolean newest = g_hash_table_add(seen, key_of(entry->run));
        if (!run_is_live(entry->run) && (!newest || !entry->listed))
            runs_remove(runs, entry->run);
    }
}

void runs_replace_older(Runs *runs, const Run *run)
{
    g_autofree char *key = key_of(run);
    GPtrArray *same = g_hash_table_lookup(runs->by_key, key);
    g_autoptr(GPtrArray) entries = same ? g_ptr_array_copy(same, NULL, NULL) : NULL;
    for (guint i = entries ? entries->len : 0; i > 0; i--) {
        Run *other = ((const Entry *)entries->pdata[i - 1])->run;
        if (other != run && !run_is_live(other))
            runs_remove(runs, other);
    }
}

void runs_make_visible(Runs *runs, Run *run)
{
    Entry *entry = entry_of(runs, run);
    if (!entry || entry->visible)
        return;
    entry->visible = TRUE;
    runs_tell_changed(runs, run);
    runs_tell(runs, &(RunNews){.kind = NEWS_VISIBLE, .run = run});
}

/* --- Finding --- */

gboolean runs_is_listed(const Runs *runs, const Run *run)
{
    const Entry *entry = entry_of(runs, run);
    return entry && entry->listed;
}

/* Before it runs, not every change of its plan is told. */
static gboolean tells_changes(const Run *run)
{
    return run_get_phase(run) == RUN_RUNNING || run_get_result(run);
}

GVariant *runs_get_state(Runs *runs, Run *run)
{
    Entry *entry = entry_of(runs, run);
    if (!entry || !tells_changes(run))
        return g_variant_ref_sink(run_get_state(run));
    if (!entry->state) {
        entry->state = g_variant_ref_sink(run_get_state(run));
        g_variant_get_data(entry->state); /* one block, not a tree of many times its size */
    }
    return g_variant_ref(entry->state);
}

gboolean runs_is_shown(const Runs *runs, const Run *run)
{
    const Entry *entry = entry_of(runs, run);
    return entry && entry->listed && entry->visible;
}

Run *runs_lookup(const Runs *runs, const char *root, const char *story, const char *agent)
{
    g_autofree char *key = make_key(root, story, agent);
    const GPtrArray *same = g_hash_table_lookup(runs->by_key, key);
    Run *newest = NULL;
    for (guint i = 0; same && i < same->len; i++) {
        const Entry *entry = same->pdata[i];
        if (run_is_live(entry->run))
            return entry->run;
        if (entry->listed)
            newest = entry->run;
    }
    return newest;
}

Run *runs_find(const Runs *runs, const char *run_id)
{
    const Entry *entry = g_hash_table_lookup(runs->by_id, run_id);
    return entry ? entry->run : NULL;
}

Run *runs_find_live_of(const Runs *runs, const char *root, const char *story, const Run *except,
                       RunMatches matches, gconstpointer data)
{
    for (guint i = 0; i < runs->entries->len; i++) {
        Run *run = get_entry(runs, i)->run;
        if (run != except && run_is_live(run) && g_str_equal(run_get_record(run)->story, story) &&
            g_str_equal(run_get_record(run)->project_root, root) && matches(run, data))
            return run;
    }
    return NULL;
}

void runs_each(const Runs *runs, void (*each)(Run *run, gpointer data), gpointer data)
{
    for (guint i = 0; i < runs->entries->len; i++)
        each(get_entry(runs, i)->run, data);
}

void runs_each_listed(const Runs *runs, void (*each)(Run *run, gpointer data), gpointer data)
{
    for (guint i = 0; i < runs->entries->len; i++)
        if (get_entry(runs, i)->listed)
            each(get_entry(runs, i)->run, data);
}

guint runs_count_running(const Runs *runs)
{
    guint count = 0;
    for (guint i = 0; i < runs->entries->len; i++) {
        const Run *run = get_entry(runs, i)->run;
        if (run_is_live(run) && run_get_phase(run) != RUN_QUEUED)
            count++;
    }
    return count;
}

/* --- Sessions --- */

void runs_keep_session(Runs *runs, const Run *run)
{
    const char *session = run_get_session(run);
    if (!session)
        return;
    const RunRecord *record = run_get_record(run);
    g_hash_table_replace(runs->sessions, key_of(run), g_strdup(session));
    g_hash_table_replace(runs->agents, make_key(record->project_root, record->story, ""),
                         g_strdup(record->agent));
}

const char *runs_last_session(const Runs *runs, const char *root, const char *story,
                              const char *agent)
{
    g_autofree char *key = make_key(root, story, agent);
    return g_hash_table_lookup(runs->sessions, key);
}

const char *runs_last_agent(const Runs *runs, const char *root, const char *story)
{
    g_autofree char *key = make_key(root, story, "");
    return g_hash_table_lookup(runs->agents, key);
}

/* --- Limits --- */

void runs_keep_limit(Runs *runs, const char *account, guint64 until)
{
    if (until <= runs_kept_limit(runs, account))
        return;
    g_hash_table_replace(runs->limits, g_strdup(account), g_memdup2(&until, sizeof(until)));
}

guint64 runs_kept_limit(const Runs *runs, const char *account)
{
    const guint64 *until = g_hash_table_lookup(runs->limits, account);
    return until ? *until : 0;
}
