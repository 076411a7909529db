/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/admission.h"

#include "host/pressure.h"
#include "start/start-prepare.h"

/* How often the memory pressure is looked at while it holds starts back: PSI's own average is one
 * over ten seconds. */
#define PRESSURE_SECONDS 2

struct Admission {
    const StartTools *tools;
    const Settings *settings;
    const RunKeeper *keeper;
    gpointer keeper_data;
    GPtrArray *starts; /* Start * */
    GQueue queue;      /* of those, the ones that wait for a place: first come, first served */
    guint pressure_timer;
    gboolean shutting_down;
};

Start *admission_start_of(const Admission *admission, const Run *run)
{
    for (guint i = 0; i < admission->starts->len; i++) {
        Start *start = g_ptr_array_index(admission->starts, i);
        if (start_get_run(start) == run)
            return start;
    }
    return NULL;
}

guint admission_count_queued(const Admission *admission)
{
    return admission->queue.length;
}

/* --- The queue --- */

static void renumber_queue(Admission *admission)
{
    guint position = 0;
    for (GList *link = admission->queue.head; link; link = link->next) {
        Run *run = start_get_run(link->data);
        if (run_set_queue_position(run, ++position))
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
    run_set_queue_position(run, (guint)g_queue_index(&admission->queue, start) + 1);
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

static void admit_next(Admission *admission)
{
    Start *start = g_queue_pop_head(&admission->queue);
    run_set_queue_position(start_get_run(start), 0);
    start_admit(start);
}

static void admit_queued(Admission *admission)
{
    GQueue *queue = &admission->queue;
    /* A queued run is admitted once its folder is written. */
    while (queue->length > 0 && !admission->shutting_down && has_place(admission) &&
           start_is_admissible(g_queue_peek_head(queue)))
        admit_next(admission);
    renumber_queue(admission);
    if (queue->length > 0 && admission->settings->memory_pressure > 0 &&
        admission->pressure_timer == 0)
        admission->pressure_timer =
            g_timeout_add_seconds(PRESSURE_SECONDS, on_pressure_timer, admission);
}

/* The Starts there are, for a walk in which some may finish. Caller unrefs. */
static GPtrArray *snapshot(const Admission *admission)
{
    GPtrArray *starts = g_ptr_array_new();
    g_ptr_array_extend(starts, admission->starts, NULL, NULL);
    return starts;
}

static void retry_waiting(Admission *admission)
{
    g_autoptr(GPtrArray) starts = snapshot(admission);
    for (guint i = 0; i < starts->len; i++)
        if (g_ptr_array_find(admission->starts, g_ptr_array_index(starts, i), NULL))
            start_retry(g_ptr_array_index(starts, i));
}

void admission_advance(Admission *admission)
{
    retry_waiting(admission);
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

static gboolean story_is_shared(const Run *run, gpointer data)
{
    return find_other(data, run, has_worktree) != NULL;
}

static void on_moved_on(Start *start, gpointer data)
{
    admission_advance(data);
}

static void on_finished(Start *start, gboolean to_queue, gpointer data)
{
    Admission *admission = data;
    g_autoptr(Run) run = run_ref(start_get_run(start));
    g_queue_remove(&admission->queue, start);
    g_ptr_array_remove_fast(admission->starts, start); /* frees it */
    if (to_queue)
        admission_queue_found(admission, run);
    admission_advance(admission);
}

static const StartOwner owner = {
    .may_prepare = may_prepare,
    .story_is_shared = story_is_shared,
    .moved_on = on_moved_on,
    .finished = on_finished,
};

/* --- Starts --- */

static Start *add_start(Admission *admission, Run *run)
{
    Start *start = start_new(admission->tools, run, &owner, admission);
    g_ptr_array_add(admission->starts, start);
    return start;
}

void admission_begin(Admission *admission, Target *target, StartOptions *options, Reply reply,
                     gpointer data)
{
    const StartTools *tools = admission->tools;
    gboolean waits = !has_place(admission) || admission->queue.length > 0;
    g_autoptr(Run) run = run_new(start_new_record(target, options), tools->folder_watch,
                                 tools->systemd, admission->keeper, admission->keeper_data);
    runs_add(tools->runs, run);
    Start *start = add_start(admission, run);
    if (waits)
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

Admission *admission_new(const StartTools *tools, const Settings *settings, const RunKeeper *keeper,
                         gpointer keeper_data)
{
    Admission *admission = g_new0(Admission, 1);
    admission->tools = tools;
    admission->settings = settings;
    admission->keeper = keeper;
    admission->keeper_data = keeper_data;
    admission->starts = g_ptr_array_new_with_free_func((GDestroyNotify)start_free);
    g_queue_init(&admission->queue);
    return admission;
}

void admission_free(Admission *admission)
{
    if (!admission)
        return;
    g_clear_handle_id(&admission->pressure_timer, g_source_remove);
    g_queue_clear(&admission->queue);
    g_ptr_array_unref(admission->starts);
    g_free(admission);
}

void admission_shut_down(Admission *admission)
{
    admission->shutting_down = TRUE;
    g_autoptr(GPtrArray) starts = snapshot(admission);
    for (guint i = 0; i < starts->len; i++)
        if (g_ptr_array_find(admission->starts, g_ptr_array_index(starts, i), NULL))
            start_abandon(g_ptr_array_index(starts, i));
}

gboolean admission_is_idle(const Admission *admission)
{
    return admission->starts->len == 0;
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
