/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/leases.h"

#include "base/process-watch.h"
#include "base/util.h"

struct Leases {
    Runs *runs;
    LeaseGone gone;
    gpointer data;
    GHashTable *watches; /* Run * -> Watch * */
};

typedef struct {
    Leases *leases;
    Run *run;
    int pidfd;
    ProcessWatch *process;
    guint idle; /* where the process was gone already */
} Watch;

static void watch_free(gpointer data)
{
    Watch *watch = data;
    process_watch_free(watch->process);
    g_clear_handle_id(&watch->idle, g_source_remove);
    fd_clear(&watch->pidfd);
    run_unref(watch->run);
    g_free(watch);
}

static void tell(Watch *watch)
{
    Leases *leases = watch->leases;
    g_autoptr(Run) run = run_ref(watch->run);
    g_hash_table_remove(leases->watches, run);
    leases->gone(run, leases->data);
}

static void on_gone(gpointer data)
{
    Watch *watch = data;
    watch->process = NULL;
    tell(watch);
}

/* Not at once: whoever adds the run is not done with it. */
static gboolean on_gone_before(gpointer data)
{
    Watch *watch = data;
    watch->idle = 0;
    tell(watch);
    return G_SOURCE_REMOVE;
}

static void begin(Leases *leases, Run *run)
{
    const Lease *lease = run_get_record(run)->options->lease;
    if (!lease || !run_is_live(run))
        return;
    Watch *watch = g_new0(Watch, 1);
    *watch = (Watch){.leases = leases, .run = run_ref(run), .pidfd = lease_open(lease)};
    if (watch->pidfd >= 0)
        watch->process = process_watch_new(watch->pidfd, on_gone, watch);
    else
        watch->idle = g_idle_add(on_gone_before, watch);
    g_hash_table_insert(leases->watches, run, watch);
}

/* Ended, or undone. */
static void forget(Leases *leases, Run *run)
{
    if (!run_is_live(run) || runs_find(leases->runs, run_get_id(run)) != run)
        g_hash_table_remove(leases->watches, run);
}

static void heard(const RunNews *news, gpointer data)
{
    Leases *leases = data;
    if (news->kind == NEWS_ADDED)
        begin(leases, news->run);
    else if (news->kind == NEWS_CHANGED)
        forget(leases, news->run);
}

Leases *leases_new(Runs *runs, LeaseGone gone, gpointer data)
{
    Leases *leases = g_new0(Leases, 1);
    *leases = (Leases){runs, gone, data, g_hash_table_new_full(NULL, NULL, NULL, watch_free)};
    runs_add_listener(runs, heard, leases);
    return leases;
}

void leases_free(Leases *leases)
{
    if (!leases)
        return;
    runs_remove_listener(leases->runs, leases);
    g_hash_table_unref(leases->watches);
    g_free(leases);
}
