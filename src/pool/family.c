/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/family.h"

#include <string.h>

#include "base/error.h"

/* --- Who is in whose scope --- */

/* The first one counts: an agent may make cgroups below its scope, and call them what it likes. */
static const char *find_component(const char *path, const char *name)
{
    gsize length = strlen(name);
    for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/'))
        if (strncmp(at + 1, name, length) == 0 && (at[length + 1] == '/' || !at[length + 1]))
            return at;
    return NULL;
}

typedef struct {
    const char *cgroup, *at;
    Run *run;
} ScopeSearch;

static void look_at_scope(Run *run, gpointer data)
{
    ScopeSearch *search = data;
    const char *at =
        run_is_live(run) ? find_component(search->cgroup, run_get_record(run)->unit) : NULL;
    if (!at || (search->at && search->at < at))
        return;
    search->at = at;
    search->run = run;
}

Run *family_find_by_cgroup(const Runs *runs, const char *cgroup)
{
    ScopeSearch search = {.cgroup = cgroup};
    runs_each(runs, look_at_scope, &search);
    return search.run;
}

/* --- Who is below whom --- */

static const char *origin_of(const Run *run)
{
    const RunFamily *family = &run_get_record(run)->family;
    return family->origin ? family->origin : run_get_id(run);
}

typedef struct {
    const char *origin;
    GPtrArray *found; /* Run * */
} BelowSearch;

static gboolean is_below(const Run *run, const char *origin)
{
    char **ancestors = run_get_record(run)->family.ancestors;
    return ancestors && g_strv_contains((const char *const *)ancestors, origin);
}

static void look_below(Run *run, gpointer data)
{
    BelowSearch *search = data;
    if (run_is_live(run) && is_below(run, search->origin))
        g_ptr_array_add(search->found, run_ref(run));
}

static GPtrArray *new_list(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
}

GPtrArray *family_list_below(const Runs *runs, const Run *run)
{
    BelowSearch search = {origin_of(run), new_list()};
    runs_each(runs, look_below, &search);
    return search.found;
}

static void collect_stopped(Run *run, gpointer data)
{
    const RunResult *result = run_get_result(run);
    if (result && result->outcome == OUTCOME_STOPPED)
        g_hash_table_add(data, (gpointer)origin_of(run));
}

typedef struct {
    GHashTable *stopped; /* origins */
    GPtrArray *found;    /* Run * */
} OrphanSearch;

static void look_at_orphan(Run *run, gpointer data)
{
    OrphanSearch *search = data;
    char **ancestor = run_get_record(run)->family.ancestors;
    if (!run_is_live(run))
        return;
    while (ancestor && *ancestor && !g_hash_table_contains(search->stopped, *ancestor))
        ancestor++;
    if (ancestor && *ancestor)
        g_ptr_array_add(search->found, run_ref(run));
}

GPtrArray *family_list_orphans(const Runs *runs)
{
    g_autoptr(GHashTable) stopped = g_hash_table_new(g_str_hash, g_str_equal);
    OrphanSearch search = {stopped, new_list()};
    runs_each(runs, collect_stopped, stopped);
    if (g_hash_table_size(stopped) > 0)
        runs_each(runs, look_at_orphan, &search);
    return search.found;
}

/* --- What a run may start --- */

typedef struct {
    const char *origin;
    const Run *except;
    guint count;
} ChildCount;

static void count_child(Run *run, gpointer data)
{
    ChildCount *children = data;
    char **ancestors = run_get_record(run)->family.ancestors;
    guint depth = ancestors ? g_strv_length(ancestors) : 0;
    if (depth > 0 && run_is_live(run) && run != children->except &&
        g_str_equal(ancestors[depth - 1], children->origin))
        children->count++;
}

static guint count_children(const Runs *runs, const Run *parent, const Run *except)
{
    ChildCount children = {origin_of(parent), except, 0};
    runs_each(runs, count_child, &children);
    return children.count;
}

G_GNUC_PRINTF(3, 4)
static gboolean refuse(GError **error, const Run *parent, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_ALLOWED, "run %s of agent '%s' %s",
                run_get_id(parent), run_get_record(parent)->agent, what);
    return FALSE;
}

static gboolean check_agent(const Run *parent, const Target *target, GError **error)
{
    const RunRecord *record = run_get_record(parent);
    char **may_start = record->children.may_start;
    if (!g_str_equal(record->project_root, target->root))
        return refuse(error, parent, "may start runs in its own project %s only, not in %s",
                      record->project_root, target->root);
    if (!may_start || !*may_start)
        return refuse(error, parent,
                      "may start no runs: put may_start = [\"%s\"] into that agent's part of the "
                      "configuration, and start it again",
                      target->agent);
    if (g_strv_contains((const char *const *)may_start, target->agent))
        return TRUE;
    g_autofree char *names = g_strjoinv(", ", may_start);
    return refuse(error, parent, "may not start agent '%s': its may_start has %s", target->agent,
                  names);
}

gboolean family_check_start(const Runs *runs, const Run *parent, const Target *target,
                            const Run *except, GError **error)
{
    const RunRecord *record = run_get_record(parent);
    if (!run_is_live(parent) || run_is_stopping(parent))
        return refuse(error, parent, "is being stopped, or over: it starts no more runs");
    if (!check_agent(parent, target, error))
        return FALSE;
    if (run_family_depth_left(&record->family, record->children.max_depth) == 0)
        return refuse(error, parent,
                      "may start no runs: max_depth, its own or that of a run above it, allows no "
                      "further generation");
    if (count_children(runs, parent, except) >= record->children.max_children)
        return refuse(error, parent,
                      "has as many runs as it may have at a time (max_children = %u): wait for one "
                      "to end, or stop one",
                      record->children.max_children);
    return TRUE;
}
