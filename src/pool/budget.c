/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/budget.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/json-file.h"
#include "base/util.h"
#include "store/ledger.h"

#define LEDGER_FILE "spent.json"

/* The share of the budget at which runs are told of it. */
#define LOW_SHARE 0.8

struct Budget {
    Runs *runs;
    WorkQueue *work;
    Ledger *ledger;
    BudgetSpent spent;
    gpointer data;
    guint check_source;
    gboolean saving, unsaved;
};

/* --- The ledger's file --- */

static int open_folder(void)
{
    g_autofree char *path = g_build_filename(g_get_user_state_dir(), "storkit", NULL);
    g_mkdir_with_parents(path, 0700);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void load(Budget *budget)
{
    g_autoptr(GError) error = NULL;
    autofd fd = open_folder();
    g_autoptr(JsonObject) object = json_file_read(fd, LEDGER_FILE, &error);
    if (object)
        ledger_from_json(budget->ledger, object);
    else if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_warning("what was spent today is not known: %s", error->message);
}

typedef struct {
    Budget *budget;
    JsonBuilder *builder;
} Saving;

static void save_in_thread(gpointer data)
{
    const Saving *saving = data;
    g_autoptr(GError) error = NULL;
    autofd fd = open_folder();
    if (!json_file_write(fd, LEDGER_FILE, saving->builder, FALSE, &error))
        g_warning("keeping what was spent today: %s", error->message);
}

static void save(Budget *budget);

static void on_saved(gpointer data)
{
    g_autofree Saving *saving = data;
    Budget *budget = saving->budget;
    g_object_unref(saving->builder);
    budget->saving = FALSE;
    if (budget->unsaved)
        save(budget);
}

/* One at a time: a run may report often. */
static void save(Budget *budget)
{
    budget->unsaved = budget->saving;
    if (budget->saving)
        return;
    budget->saving = TRUE;
    Saving *saving = g_new(Saving, 1);
    *saving = (Saving){budget, ledger_to_json(budget->ledger)};
    work_queue_push(budget->work, "budget", save_in_thread, on_saved, saving);
}

/* --- Counting --- */

static void begin_day(Budget *budget)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *day = g_date_time_format(now, "%F");
    ledger_begin_day(budget->ledger, day);
}

/* µs since the epoch. */
static guint64 last_midnight(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autoptr(GDateTime) midnight =
        g_date_time_new_local(g_date_time_get_year(now), g_date_time_get_month(now),
                              g_date_time_get_day_of_month(now), 0, 0, 0);
    return (guint64)g_date_time_to_unix(midnight) * G_USEC_PER_SEC;
}

static gboolean count(Budget *budget, const Run *run)
{
    const Usage *usage = &run_get_facts(run)->usage;
    const RunResult *result = run_get_result(run);
    if (!usage->has_cost || (result && result->ended < last_midnight()))
        return FALSE;
    begin_day(budget);
    return ledger_note(budget->ledger, run_get_id(run), run_get_record(run)->project_root,
                       usage->cost_usd);
}

static double spent_by(Budget *budget, const char *project)
{
    begin_day(budget);
    return ledger_sum(budget->ledger, project);
}

/* --- Telling runs of it --- */

static BudgetState state_of(double spent, double budget_usd)
{
    if (spent >= budget_usd)
        return BUDGET_SPENT;
    return spent >= LOW_SHARE * budget_usd ? BUDGET_LOW : BUDGET_FINE;
}

static void tell(Budget *budget, Run *run, BudgetState state)
{
    RunNote note = state == BUDGET_SPENT ? NOTE_BUDGET_SPENT : NOTE_BUDGET_LOW;
    runs_tell(budget->runs, &(RunNews){.kind = NEWS_NOTE, .run = run, .note = note});
    runs_tell_changed(budget->runs, run);
    if (state == BUDGET_SPENT && run_get_record(run)->budget_stops)
        budget->spent(run, budget->data);
}

static void check_run(Budget *budget, Run *run)
{
    const RunRecord *record = run_get_record(run);
    if (run_get_phase(run) != RUN_RUNNING || record->budget_usd <= 0)
        return;
    double spent = spent_by(budget, record->project_root);
    BudgetState state = state_of(spent, record->budget_usd);
    if (run_set_budget(run, state, spent) && state > BUDGET_FINE)
        tell(budget, run, state);
}

static void collect(Run *run, gpointer runs)
{
    g_ptr_array_add(runs, run_ref(run));
}

static gboolean on_check(gpointer user_data)
{
    Budget *budget = user_data;
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
    budget->check_source = 0;
    runs_each(budget->runs, collect, runs);
    for (guint i = 0; i < runs->len; i++)
        check_run(budget, runs->pdata[i]);
    return G_SOURCE_REMOVE;
}

/* From the loop: a run that is stopped must not change under those that hear of the same news. */
static void check_soon(Budget *budget)
{
    if (budget->check_source == 0)
        budget->check_source = g_idle_add(on_check, budget);
}

static void heard(const RunNews *news, gpointer data)
{
    Budget *budget = data;
    if (news->kind != NEWS_EVENTS && news->kind != NEWS_CHANGED)
        return;
    gboolean counted = count(budget, news->run);
    if (counted)
        save(budget);
    if (counted || (news->kind == NEWS_CHANGED && run_get_record(news->run)->budget_usd > 0))
        check_soon(budget);
}

/* --- Who asks --- */

static void count_found(Run *run, gpointer data)
{
    if (count(data, run))
        save(data);
}

void budget_count_all(Budget *budget)
{
    runs_each(budget->runs, count_found, budget);
}

gboolean budget_check(Budget *budget, const Target *target, GError **error)
{
    double limit = target->config->budget_usd;
    double spent = budget && limit > 0 ? spent_by(budget, target->root) : 0;
    if (limit <= 0 || spent < limit)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_BUDGET_EXCEEDED,
                "the runs of %s have cost $%.2f today, and budget_usd is $%.2f: raise it, or start "
                "again tomorrow",
                target->root, spent, limit);
    return FALSE;
}

Budget *budget_new(Runs *runs, WorkQueue *work, BudgetSpent spent, gpointer data)
{
    Budget *budget = g_new0(Budget, 1);
    *budget = (Budget){runs, work, ledger_new(), spent, data, 0, FALSE, FALSE};
    load(budget);
    runs_add_listener(runs, heard, budget);
    return budget;
}

void budget_free(Budget *budget)
{
    if (!budget)
        return;
    g_clear_handle_id(&budget->check_source, g_source_remove);
    runs_remove_listener(budget->runs, budget);
    ledger_free(budget->ledger);
    g_free(budget);
}
