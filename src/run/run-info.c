/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/run-info.h"

#include "base/names.h"
#include "host/cgroup.h"

static void add_string(GVariantDict *dict, const char *key, const char *value)
{
    if (value)
        g_variant_dict_insert(dict, key, "s", value);
}

static void add_uint64(GVariantDict *dict, const char *key, guint64 value)
{
    if (value > 0)
        g_variant_dict_insert(dict, key, "t", value);
}

static GVariant *make_object_path(const char *run_id)
{
    g_autofree char *path = run_object_path(run_id);
    return g_variant_new_object_path(path);
}

static void add_limits(GVariantDict *dict, const Limits *limits)
{
    g_autoptr(GVariant) variant = g_variant_ref_sink(limits_to_variant(limits));
    if (g_variant_n_children(variant) > 0)
        g_variant_dict_insert_value(dict, "limits", variant);
}

static void add_sandbox(GVariantDict *dict, const RunRecord *record)
{
    add_string(dict, "sandbox", record->sandbox);
    if (record->sandbox && record->sandbox_missing)
        g_variant_dict_insert(dict, "sandbox_missing", "^as", record->sandbox_missing);
}

static void add_lease(GVariantDict *dict, const Lease *lease)
{
    g_autofree char *process = lease ? lease_to_string(lease) : NULL;
    add_string(dict, "lease", process);
}

static void add_identity(GVariantDict *dict, const Run *run)
{
    const RunRecord *record = run_get_record(run);
    add_string(dict, "project_root", record->project_root);
    add_string(dict, "story_id", record->story);
    add_string(dict, "agent_name", record->agent);
    add_string(dict, "run_id", record->run_id);
    add_string(dict, "unit", record->unit);
    /* The object of another machine's run is on the bus of that one. */
    add_string(dict, "host", run_record_host(record));
    if (!run_record_host(record))
        g_variant_dict_insert_value(dict, "object_path", make_object_path(record->run_id));
    add_string(dict, "status", run_get_status(run));
    if (record->worktree) {
        add_string(dict, "worktree_path", record->worktree->path);
        add_string(dict, "branch", record->worktree->branch);
        add_string(dict, "base_branch", record->worktree->base_branch);
        add_limits(dict, &record->limits);
        add_sandbox(dict, record);
    }
    add_lease(dict, record->options->lease);
    add_string(dict, "parent", record->family.parent);
    add_string(dict, "account", record->account);
    add_string(dict, "continues", record->continues);
    if (record->attempt > 0)
        g_variant_dict_insert(dict, "attempt", "u", record->attempt);
}

void run_figures_read(const char *cgroup, RunFigures *ret_figures)
{
    CgroupFigures figures;
    cgroup_read_figures(cgroup, &figures);
    *ret_figures = (RunFigures){
        .known = TRUE,
        .memory = figures.memory,
        .memory_peak = figures.memory_peak,
        .cpu_usec = figures.cpu_usec,
        .processes = figures.processes,
    };
}

static void add_value(GVariantBuilder *builder, const char *key, GVariant *value)
{
    g_variant_builder_add(builder, "{sv}", key, value);
}

static void add_number(GVariantBuilder *builder, const char *key, guint64 value)
{
    if (value > 0)
        add_value(builder, key, g_variant_new_uint64(value));
}

/* A List makes one for each run: a builder costs a tenth of a GVariantDict. */
GVariant *run_figures_to_variant(const RunFigures *figures, guint64 cursor)
{
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    add_number(&builder, "cursor", cursor);
    if (figures->known) {
        add_number(&builder, "memory", figures->memory);
        add_number(&builder, "memory_peak", figures->memory_peak);
        add_number(&builder, "cpu_usec", figures->cpu_usec);
        add_value(&builder, "processes", g_variant_new_uint32(figures->processes));
    }
    return g_variant_builder_end(&builder);
}

static void add_figures(GVariantDict *dict, const RunFigures *figures, guint64 cursor)
{
    g_autoptr(GVariant) all = g_variant_ref_sink(run_figures_to_variant(figures, cursor));
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_variant_iter_init(&iter, all);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value))
        g_variant_dict_insert_value(dict, key, value);
}

static void add_questions(GVariantDict *dict, const GPtrArray *open)
{
    GVariantBuilder builder;
    const AgentQuestion *oldest = open->pdata[0];
    g_variant_dict_insert(dict, "waiting", "s", agent_question_kind_to_string(oldest->kind));
    add_uint64(dict, "waiting_since", oldest->time);
    g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < open->len; i++)
        g_variant_builder_add_value(&builder, agent_question_to_variant(open->pdata[i]));
    g_variant_dict_insert_value(dict, "questions", g_variant_builder_end(&builder));
}

static void add_limit(GVariantDict *dict, const Run *run)
{
    const RunCondition *condition = run_get_condition(run);
    if (condition->limit_until == 0 && !condition->stalled)
        return;
    g_variant_dict_insert(dict, "waiting", "s", "limit");
    if (condition->limit_until == 0)
        return;
    add_uint64(dict, "waiting_since", run_get_record(run)->created);
    add_uint64(dict, "retry_at", condition->limit_until);
}

static void add_condition(GVariantDict *dict, const Run *run)
{
    const RunCondition *condition = run_get_condition(run);
    if (condition->cgroup)
        g_variant_dict_insert(dict, "frozen", "b", condition->frozen);
    if (run_get_phase(run) == RUN_RUNNING && !run_record_host(run_get_record(run)))
        g_variant_dict_insert(dict, "pid", "u", (guint)run_get_started(run)->agent_pid);
    if (condition->queue_position > 0)
        g_variant_dict_insert(dict, "queue_position", "u", condition->queue_position);
    if (condition->held)
        g_variant_dict_insert(dict, "disk_full", "b", TRUE);
    add_uint64(dict, "oom_kills", condition->oom_kills);
    if (condition->budget != BUDGET_FINE) {
        g_variant_dict_insert(dict, "budget_usd", "d", run_get_record(run)->budget_usd);
        g_variant_dict_insert(dict, "budget_spent_usd", "d", condition->budget_spent_usd);
    }
    add_limit(dict, run);
    if (condition->questions)
        add_questions(dict, condition->questions);
    add_string(dict, "unfinished_line", condition->unfinished_line);
    if (condition->unenforced)
        g_variant_dict_insert(dict, "unenforced", "^as", condition->unenforced);
}

static void add_result(GVariantDict *dict, const RunResult *result)
{
    add_uint64(dict, "ended", result->ended);
    add_string(dict, "error", result->error);
    if (result->exit_code >= 0)
        g_variant_dict_insert(dict, "exit_code", "i", result->exit_code);
    if (result->exit_signal > 0)
        g_variant_dict_insert(dict, "exit_signal", "i", result->exit_signal);
    add_uint64(dict, "lost_output", result->lost);
    add_uint64(dict, "memory_peak", result->memory_peak);
    add_uint64(dict, "cpu_usec", result->cpu_usec);
}

static void add_state(GVariantDict *dict, const Run *run)
{
    const RunFacts *facts = run_get_facts(run);
    const RunStarted *started = run_get_started(run);
    add_identity(dict, run);
    add_string(dict, "session_id", run_get_session(run));
    if (started && !started->failed)
        add_uint64(dict, "started", started->time);
    add_uint64(dict, "retry_at", facts->retry_at);
    run_facts_add_totals(facts, dict);
    if (run_get_result(run))
        add_result(dict, run_get_result(run));
    else
        add_condition(dict, run);
}

GVariant *run_get_state(const Run *run)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    add_state(&dict, run);
    return g_variant_dict_end(&dict);
}

GVariant *run_get_info(const Run *run)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    const char *cgroup = run_get_condition(run)->cgroup;
    RunFigures figures = {0};
    if (cgroup && !run_get_result(run))
        run_figures_read(cgroup, &figures);
    add_state(&dict, run);
    add_figures(&dict, &figures, run_get_last_cursor(run));
    return g_variant_dict_end(&dict);
}
