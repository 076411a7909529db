/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/pool-internal.h"
#include "pool/pool.h"
#include "run/run-info.h"

/*
 * List. The main loop collects what is known of the runs, in short turns. A thread of its own reads
 * their figures, and tells of them and of the runs of other machines. Of many runs the figures are
 * read beside that, by another thread and for a limited time: a thousand runs have thousands of
 * files in the kernel. What is not read by then is that of the last time, and the next List begins
 * with it.
 */

#define TURN_USEC 2000
#define FIGURES_USEC 5000

/* Of so many runs the figures are always read, on a slow or busy machine, too. */
#define FIGURES_LEAST 100

typedef struct {
    Run *run;
    GVariant *state;
    guint64 cursor;
    char *cgroup; /* NULL: it has no figures */
    RunFigures figures, read;
} Listed;

typedef struct {
    Pool *pool;
    GArray *runs;   /* Listed */
    guint to_check; /* how many of them, from the last on, are to be collected */
    guint first;    /* whose figures are read first */
    gint n_read;    /* how many were read; atomic */
    PoolListEach each;
    PoolListEnd end;
    gpointer data;
} Listing;

static void listed_clear(Listed *listed)
{
    g_clear_pointer(&listed->state, g_variant_unref);
    g_free(listed->cgroup);
    run_unref(listed->run);
}

static Listed *get_listed(const Listing *listing, guint i)
{
    return &g_array_index(listing->runs, Listed, i % listing->runs->len);
}

/* --- The end, on the main loop --- */

static gboolean end_listing(gpointer user_data)
{
    g_autofree Listing *listing = user_data;
    Pool *pool = listing->pool;
    guint n_read = (guint)listing->n_read;
    for (guint i = 0; i < n_read; i++) {
        const Listed *listed = get_listed(listing, listing->first + i);
        run_keep_figures(listed->run, &listed->read);
    }
    pool->list_first = listing->first + n_read;
    pool->listings--;
    listing->end(listing->data);
    g_array_unref(listing->runs);
    return G_SOURCE_REMOVE;
}

/* --- In threads --- */

static gpointer read_figures(gpointer data)
{
    Listing *listing = data;
    gint64 end = g_get_monotonic_time() + FIGURES_USEC;
    for (guint i = 0; i < listing->runs->len; i++) {
        if (i >= FIGURES_LEAST && g_get_monotonic_time() >= end)
            break;
        Listed *listed = get_listed(listing, listing->first + i);
        if (listed->cgroup)
            run_figures_read(listed->cgroup, &listed->read);
        g_atomic_int_inc(&listing->n_read);
    }
    return NULL;
}

static const RunFigures *get_figures(Listing *listing, guint i)
{
    guint n = listing->runs->len;
    guint place = (i + n - listing->first % n) % n;
    const Listed *listed = &g_array_index(listing->runs, Listed, i);
    return place < (guint)g_atomic_int_get(&listing->n_read) ? &listed->read : &listed->figures;
}

static void tell_elsewhere(const Listing *listing)
{
    g_autoptr(GPtrArray) runs = elsewhere_list(listing->pool->elsewhere);
    for (guint i = 0; i < runs->len; i++) {
        const Run *run = runs->pdata[i];
        RunFigures none = {0};
        g_autoptr(GVariant) state = g_variant_ref_sink(run_get_state(run));
        g_autoptr(GVariant) figures =
            g_variant_ref_sink(run_figures_to_variant(&none, run_get_last_cursor(run)));
        listing->each(state, figures, listing->data);
    }
}

void pool_list_in_thread(gpointer data, gpointer unused)
{
    Listing *listing = data;
    gboolean many = listing->runs->len > FIGURES_LEAST;
    GThread *reader = many ? g_thread_try_new("figures", read_figures, listing, NULL) : NULL;
    if (!reader)
        read_figures(listing);
    for (guint i = 0; i < listing->runs->len; i++) {
        const Listed *listed = &g_array_index(listing->runs, Listed, i);
        g_autoptr(GVariant) figures =
            g_variant_ref_sink(run_figures_to_variant(get_figures(listing, i), listed->cursor));
        listing->each(listed->state, figures, listing->data);
    }
    tell_elsewhere(listing);
    if (reader)
        g_thread_join(reader);
    g_idle_add_full(G_PRIORITY_DEFAULT, end_listing, listing, NULL);
}

/* --- The begin, on the main loop --- */

static void add_run(Run *run, gpointer data)
{
    Listed listed = {.run = run_ref(run)};
    g_array_append_val((GArray *)data, listed);
}

static void collect(const Listing *listing, Listed *listed)
{
    Run *run = listed->run;
    const RunCondition *condition = run_get_condition(run);
    listed->state = runs_get_state(listing->pool->tools.runs, run);
    listed->cursor = run_get_last_cursor(run);
    if (run_get_result(run))
        return;
    listed->cgroup = g_strdup(condition->cgroup);
    listed->figures = condition->figures;
}

/* Taken off the list meanwhile: it is not shown, and collected no more. */
static void collect_or_drop(Listing *listing, guint i)
{
    Listed *listed = &g_array_index(listing->runs, Listed, i);
    if (runs_is_listed(listing->pool->tools.runs, listed->run))
        collect(listing, listed);
    else
        g_array_remove_index(listing->runs, i);
}

static gboolean collect_some(gpointer user_data)
{
    Listing *listing = user_data;
    gint64 end = g_get_monotonic_time() + TURN_USEC;
    while (listing->to_check > 0) {
        collect_or_drop(listing, --listing->to_check);
        if (g_get_monotonic_time() >= end)
            return G_SOURCE_CONTINUE;
    }
    listing->first = listing->pool->list_first;
    g_thread_pool_push(listing->pool->list_thread, listing, NULL);
    return G_SOURCE_REMOVE;
}

void pool_list(Pool *pool, PoolListEach each, PoolListEnd end, gpointer data)
{
    Listing *listing = g_new0(Listing, 1);
    *listing = (Listing){
        .pool = pool,
        .runs = g_array_new(FALSE, FALSE, sizeof(Listed)),
        .each = each,
        .end = end,
        .data = data,
    };
    g_array_set_clear_func(listing->runs, (GDestroyNotify)listed_clear);
    runs_each_listed(pool->tools.runs, add_run, listing->runs);
    listing->to_check = listing->runs->len;
    pool->listings++;
    g_idle_add_full(G_PRIORITY_DEFAULT, collect_some, listing, NULL);
}
