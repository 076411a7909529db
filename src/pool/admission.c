/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/admission.h"

#include "base/util.h"
#include "host/pressure.h"
#include "host/wake.h"
#include "pool/limits.h"
#include "start/start-prepare.h"

/* How often the memory pressure is looked at while it holds starts back: PSI's own average is one
 * over ten seconds. */
#define PRESSURE_SECONDS 2

struct Admission {
    const StartTools *tools;
    const Settings *settings;
    Budget *budget;
    const RunKeeper *keeper;
    gpointer keeper_data;
    GPtrArray *starts;  /* Start * */
    GHashTable *by_run; /* Run * -> Start * */
    GQueue queue;       /* of those, the ones that wait for a place: first come, first served; and
                           those that a usage limit holds */
    Wake *wake;         /* when the first of them may go on; NULL: none was held yet */
    guint pressure_timer;
    gboolean shutting_down;
};

Start *admission_start_of(const Admission *admission, const Run *run)
{
    return g_hash_table_lookup(admission->by_run, run);
}

/* --- The queue --- */

static gboolean is_held(const Start *start)
{
    return run_get_condition(start_get_run(start))->limit_until > 0;
}

gboolean admission_is_held(const Admission *admission, const Run *run)
{
    const Start *start = admission_start_of(admission, run);
    return start && start_is_admissible(start) && is_held(start);
}

static guint count_held(const Admission *admission)
{
    guint count = 0;
    for (const GList *link = admission->queue.head; link; link = link->next)
        count += is_held(link->data);
    return count;
}

guint admission_count_queued(const Admission *admission)
{
    return admission->queue.length - count_held(admission);
}

static void renumber_queue(Admission *admission)
{
    guint position = 0;
    for (GList *link = admission->queue.head; link; link = link->next) {
        Run *run = start_get_run(link->data);
        if (run_set_queue_position(run, is_held(link->data) ? 0 : ++position))
            runs_tell_changed(admission->tools->runs, run);
    }
}

static int by_age(gconstpointer a, gconstpointer b, gpointer unused)
{
    const Run *left = start_get_run(a), *right = start_get_run(b);
    return run_get_record(left)->created > run_get_record(right)->created ? 1 : -1;
}

static void enqueue(Admission *admission, Start *start)
{
    Run *run = start_get_run(start);
    run_enqueue(run);
    g_queue_insert_sorted(&admission->queue, start, by_age, NULL);
    run_set_limit(run, limits_hold(admission->tools->runs, run));
    renumber_queue(admission);
    runs_tell_counts(admission->tools->runs);
}

/* Looks again only while a Start waits: an idle pool makes no wake-ups. */
static gboolean on_pressure_timer(gpointer user_data)
{
    Admission *admission = user_data;
    admission->pressure_timer = 0;
    admission_advance(admission);
    return G_SOURCE_REMOVE;
}

static gboolean has_place(const Admission *admission)
{
    const Settings *settings = admission->settings;
    return runs_count_running(admission->tools->runs) < settings->max_agents &&
           (settings->memory_pressure == 0 || pressure_get_memory() < settings->memory_pressure);
}

/* --- Usage limits --- */

static void on_due(gpointer data)
{
    admission_advance(data);
}

/* The timer of the service that comes after this one is set, too. */
static void wake_at(Admission *admission, guint64 time)
{
    if (!admission->wake && time > 0)
        admission->wake = wake_new(admission->tools->systemd, on_due, admission);
    if (admission->wake)
        wake_set(admission->wake, time);
}

static void hold(Admission *admission, Start *start)
{
    Run *run = start_get_run(start);
    if (run_set_limit(run, limits_hold(admission->tools->runs, run)))
        runs_tell_changed(admission->tools->runs, run);
}

/* Looks at what is held and what no more. */
static void check_limits(Admission *admission)
{
    guint64 first = 0;
    for (GList *link = admission->queue.head; link; link = link->next) {
        hold(admission, link->data);
        guint64 until = run_get_condition(start_get_run(link->data))->limit_until;
        if (until > 0 && (first == 0 || until < first))
            first = until;
    }
    wake_at(admission, first);
}

/* --- From the queue on --- */

/* The first that no limit holds, or NULL. */
static GList *find_next(const Admission *admission)
{
    GList *link = admission->queue.head;
    while (link && is_held(link->data))
        link = link->next;
    return link;
}

static void admit(Admission *admission, GList *link)
{
    Start *start = link->data;
    g_queue_delete_link(&admission->queue, link);
    run_set_queue_position(start_get_run(start), 0);
    start_admit(start);
}

static void admit_queued(Admission *admission)
{
    GList *next;
    check_limits(admission);
    /* A queued run is admitted once its folder is written. */
    while ((next = find_next(admission)) && !admission->shutting_down && has_place(admission) &&
           start_is_admissible(next->data))
        admit(admission, next);
    renumber_queue(admission);
    if (find_next(admission) && admission->settings->memory_pressure > 0 &&
        admission->pressure_timer == 0)
        admission->pressure_timer =
            g_timeout_add_seconds(PRESSURE_SECONDS, on_pressure_timer, admission);
}

/* With each Start that there is: some may finish meanwhile. */
static void each_start(const Admission *admission, void (*each)(Start *start))
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
    for (guint i = 0; i < admission->starts->len; i++)
        g_ptr_array_add(runs, run_ref(start_get_run(g_ptr_array_index(admission->starts, i))));
    for (guint i = 0; i < runs->len; i++) {
        Start *start = admission_start_of(admission, runs->pdata[i]);
        if (start)
            each(start);
    }
}

void admission_advance(Admission *admission)
{
    each_start(admission, start_retry);
    admit_queued(admission);
    runs_tell_counts(admission->tools->runs);
}

/* --- What Starts ask --- */

static gboolean has_worktree(const Run *run, gconstpointer data)
{
    const Start *start = admission_start_of(data, run);
    return run_get_phase(run) == RUN_SETUP || run_get_phase(run) == RUN_RUNNING ||
           (start && start_is_at_worktree(start) && !start_is_going_back(start));
}

static gboolean is_preparing(const Run *run, gconstpointer data)
{
    const Start *start = admission_start_of(data, run);
    return start && start_is_at_worktree(start);
}

static Run *find_other(const Admission *admission, const Run *run, RunMatches matches)
{
    return runs_find_live_of(admission->tools->runs, run_get_record(run)->project_root,
                             run_get_record(run)->story, run, matches, admission);
}

static gboolean may_prepare(const Start *start, gpointer data)
{
    return find_other(data, start_get_run(start), is_preparing) == NULL;
}

Run *admission_find_sharer(const Admission *admission, const Run *run)
{
    return find_other(admission, run, has_worktree);
}

static Run *find_sharer(const Run *run, gpointer data)
{
    return admission_find_sharer(data, run);
}

static void tell_of_hold(const Admission *admission, Start *start)
{
    if (is_held(start))
        runs_tell(admission->tools->runs,
                  &(RunNews){.kind = NEWS_NOTE, .run = start_get_run(start), .note = NOTE_LIMITED});
}

static void on_moved_on(Start *start, gpointer data)
{
    tell_of_hold(data, start);
    admission_advance(data);
}

static void on_finished(Start *start, gboolean to_queue, gpointer data)
{
    Admission *admission = data;
    g_autoptr(Run) run = run_ref(start_get_run(start));
    g_queue_remove(&admission->queue, start);
    g_hash_table_remove(admission->by_run, run);
    g_ptr_array_remove_fast(admission->starts, start); /* frees it */
    if (to_queue)
        admission_queue_found(admission, run);
    admission_advance(admission);
}

static gboolean check_target(const Target *target, gpointer data, GError **error)
{
    return budget_check(((Admission *)data)->budget, target, error);
}

static const StartOwner owner = {
    .check_target = check_target,
    .may_prepare = may_prepare,
    .find_sharer = find_sharer,
    .moved_on = on_moved_on,
    .finished = on_finished,
};

/* --- Starts --- */

static Start *add_start(Admission *admission, Run *run)
{
    Start *start = start_new(admission->tools, run, &owner, admission);
    g_ptr_array_add(admission->starts, start);
    g_hash_table_insert(admission->by_run, run, start);
    return start;
}

void admission_begin(Admission *admission, Target *target, StartOptions *options, const Run *parent,
                     Reply reply, gpointer data)
{
    const StartTools *tools = admission->tools;
    gboolean waits = !has_place(admission) || admission_count_queued(admission) > 0;
    RunRecord *record = start_new_record(target, options, parent ? run_get_record(parent) : NULL);
    g_autoptr(Run) run = run_new(record, tools->folder_watch, tools->systemd, admission->keeper,
                                 admission->keeper_data);
    runs_add(tools->runs, run);
    Start *start = add_start(admission, run);
    if (waits || limits_hold(tools->runs, run) > 0)
        enqueue(admission, start);
    else
        runs_tell_counts(tools->runs);
    start_begin(start, target, reply, data);
}

void admission_queue_found(Admission *admission, Run *run)
{
    Start *start = add_start(admission, run);
    enqueue(admission, start);
    start_begin_in_queue(start);
}

Run *admission_continue(Admission *admission, const Run *ended)
{
    const StartTools *tools = admission->tools;
    RunRecord *record = start_continued_record(run_get_record(ended), run_get_session(ended),
                                               run_get_facts(ended)->retry_at);
    g_autoptr(Run) run = run_new(record, tools->folder_watch, tools->systemd, admission->keeper,
                                 admission->keeper_data);
    runs_add(tools->runs, run);
    Start *start = add_start(admission, run);
    enqueue(admission, start);
    start_begin(start, NULL, NULL, NULL);
    return run;
}

void admission_hurry(Admission *admission, Run *run, const char *prompt, Reply reply, gpointer data)
{
    Start *start = admission_start_of(admission, run);
    run_ignore_limits(run, prompt);
    start_add_caller(start, reply, data);
    admission_advance(admission);
    if (admission_start_of(admission, run) == start && start_is_admissible(start))
        start_answer_pending(start);
}

void admission_take_back_found(Admission *admission, Run *run)
{
    start_take_back(add_start(admission, run));
}

void admission_follow_setup(Admission *admission, Run *run)
{
    start_begin_behind_gate(add_start(admission, run));
}

void admission_stop(Admission *admission, Start *start)
{
    g_queue_remove(&admission->queue, start);
    start_stop(start);
}

/* --- Life and end --- */

Admission *admission_new(const StartTools *tools, const Settings *settings, Budget *budget,
                         const RunKeeper *keeper, gpointer keeper_data)
{
    Admission *admission = g_new0(Admission, 1);
    admission->tools = tools;
    admission->settings = settings;
    admission->budget = budget;
    admission->keeper = keeper;
    admission->keeper_data = keeper_data;
    admission->starts = g_ptr_array_new_with_free_func((GDestroyNotify)start_free);
    admission->by_run = g_hash_table_new(NULL, NULL);
    g_queue_init(&admission->queue);
    return admission;
}

void admission_free(Admission *admission)
{
    if (!admission)
        return;
    g_clear_handle_id(&admission->pressure_timer, g_source_remove);
    g_queue_clear(&admission->queue);
    wake_free(admission->wake);
    g_ptr_array_unref(admission->starts);
    g_hash_table_unref(admission->by_run);
    g_free(admission);
}

void admission_shut_down(Admission *admission)
{
    admission->shutting_down = TRUE;
    each_start(admission, start_abandon);
}

gboolean admission_is_idle(const Admission *admission)
{
    return admission->starts->len == count_held(admission);
}

gboolean admission_is_quiet(const Admission *admission)
{
    for (guint i = 0; i < admission->starts->len; i++)
        if (!start_may_be_left(g_ptr_array_index(admission->starts, i)))
            return FALSE;
    return TRUE;
}

void admission_answer_at_end(Admission *admission)
{
    for (guint i = 0; i < admission->starts->len; i++)
        start_answer_at_end(g_ptr_array_index(admission->starts, i));
}
