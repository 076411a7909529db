/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/far-runs.h"

#include <glib/gi18n.h>

#include "ctl/format.h"
#include "ctl/text.h"
#include "desktop/hosts.h"
#include "desktop/info.h"
#include "monitor/far-run.h"
#include "monitor/project.h"

struct FarRuns {
    GListStore *projects;
    GHashTable *runs;     /* StorkitRun, by its id */
    GHashTable *problems; /* of hosts, each with its line */
    DesktopHosts *hosts;
    FarProblems tell;
    gpointer data;
};

/* --- Runs --- */

static void take_off(FarRuns *far, StorkitRun *run)
{
    monitor_projects_remove(far->projects, run);
}

static void put_on(FarRuns *far, const char *run_id, GVariant *info)
{
    StorkitRun *run = far_run_new(info_name(info, "host"), info);
    g_hash_table_insert(far->runs, g_strdup(run_id), run);
    monitor_projects_add(far->projects, run);
}

/* A job that waits for its place has no run yet. */
static void on_run(const char *run_id, GVariant *after, gpointer data)
{
    FarRuns *far = data;
    StorkitRun *known = g_hash_table_lookup(far->runs, run_id);
    if (!*run_id)
        return;
    if (known && after) {
        storkit_run_set_info(known, after);
    } else if (known) {
        take_off(far, known);
        g_hash_table_remove(far->runs, run_id);
    } else if (after) {
        put_on(far, run_id, after);
    }
}

/* --- Hosts --- */

static void tell_problems(FarRuns *far)
{
    g_autoptr(GList) hosts =
        g_list_sort(g_hash_table_get_keys(far->problems), (GCompareFunc)g_strcmp0);
    g_autoptr(GString) text = g_string_new(NULL);
    for (GList *host = hosts; host; host = host->next)
        g_string_append_printf(text, "%s%s", text->len > 0 ? "\n" : "",
                               (char *)g_hash_table_lookup(far->problems, host->data));
    far->tell(text->str, far->data);
}

/* It is told again with each attempt. */
static void on_host(const char *host, const char *problem, gpointer data)
{
    FarRuns *far = data;
    gboolean known = g_hash_table_contains(far->problems, host);
    if (known == (problem != NULL))
        return;
    if (problem) {
        g_autofree char *clock = format_clock((guint64)g_get_real_time());
        g_autofree char *reason = text_clean(problem, FALSE);
        /* Translators: a machine, a time of day, and why it does not answer. */
        g_hash_table_insert(
            far->problems, g_strdup(host),
            g_strdup_printf(_("%s: unreachable since %.5s: %s"), host, clock, reason));
    } else {
        g_hash_table_remove(far->problems, host);
    }
    tell_problems(far);
}

static void on_forgotten(gpointer data)
{
    FarRuns *far = data;
    GHashTableIter iter;
    gpointer run;
    g_hash_table_iter_init(&iter, far->runs);
    while (g_hash_table_iter_next(&iter, NULL, &run))
        take_off(far, run);
    g_hash_table_remove_all(far->runs);
    g_hash_table_remove_all(far->problems);
    tell_problems(far);
}

FarRuns *far_runs_new(GListStore *projects, FarProblems problems, gpointer data)
{
    static const DesktopHostsListener listener = {
        .changed = on_run, .host = on_host, .forgotten = on_forgotten};
    FarRuns *far = g_new(FarRuns, 1);
    *far = (FarRuns){
        .projects = g_object_ref(projects),
        .runs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref),
        .problems = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .tell = problems,
        .data = data,
    };
    far->hosts = desktop_hosts_new(&listener, far);
    return far;
}

void far_runs_free(FarRuns *far)
{
    desktop_hosts_free(far->hosts);
    g_hash_table_unref(far->runs);
    g_hash_table_unref(far->problems);
    g_object_unref(far->projects);
    g_free(far);
}
