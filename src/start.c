/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/wait.h>

#include "agent-command.h"
#include "cgroup.h"
#include "error.h"
#include "fault.h"
#include "login-environment.h"
#include "names.h"
#include "pool-internal.h"
#include "util.h"

/* A bus call has 25 s; the contract answers `pending` after this. Tests have no time to wait: their
 * own is in the environment. */
#define PENDING_MSEC 10000
#define PENDING_VARIABLE "STORKIT_PENDING_MSEC"

/* What systemd gives the scope on its own stop, beyond the run's grace. */
#define SCOPE_STOP_EXTRA_USEC (5 * G_USEC_PER_SEC)

struct Start {
    Pool *pool;
    Run *run;
    Target *target;
    PoolReply reply; /* NULL once given */
    gpointer data;
    guint pending_timer;
    gboolean waiting;     /* for another run's setup of the same worktree */
    gboolean at_worktree; /* past that: this Start prepares it */
    gboolean busy;        /* a step is under way that will call back */
    gboolean answered;    /* with `pending`, or by an earlier daemon: the run stays if it fails */
    gboolean real;        /* the gate is open */
    gboolean scope_asked;

    /* Made by prepare_in_thread(). */
    char **environment;
    RunRecord *plan;
    int folder_fd;
    SinkCursors *cursors;
    gboolean has_stdin;

    /* The way back. */
    GError *error;
    UnitWatch *undo_watch;
    guint undo_shim_source;
    gboolean undo_unit_gone, undo_shim_gone;
    gboolean undo_worktree, undone;
};

static Start *start_new(Pool *pool, Run *run, PoolReply reply, gpointer data)
{
    Start *start = g_new0(Start, 1);
    start->pool = pool;
    start->run = run_ref(run);
    start->reply = reply;
    start->data = data;
    start->folder_fd = -1;
    g_ptr_array_add(pool->starts, start);
    return start;
}

void start_free(Start *start)
{
    g_clear_handle_id(&start->pending_timer, g_source_remove);
    g_clear_handle_id(&start->undo_shim_source, g_source_remove);
    g_clear_pointer(&start->undo_watch, unit_watch_free);
    g_clear_pointer(&start->plan, run_record_free);
    g_clear_pointer(&start->cursors, sink_cursors_unref);
    g_clear_error(&start->error);
    fd_clear(&start->folder_fd);
    g_strfreev(start->environment);
    target_free(start->target);
    run_unref(start->run);
    g_free(start);
}

Run *start_get_run(const Start *start)
{
    return start->run;
}

gboolean start_is_at_worktree(const Start *start)
{
    return start->at_worktree;
}

gboolean start_is_undoing(const Start *start)
{
    return start->error && !start->real;
}

gboolean start_is_admissible(const Start *start)
{
    return !start->busy;
}

/* --- The reply --- */

static void give_reply(Start *start, GVariant *value, const GError *error)
{
    g_clear_handle_id(&start->pending_timer, g_source_remove);
    PoolReply reply = g_steal_pointer(&start->reply);
    if (reply)
        reply(value, error, start->data);
    else if (value)
        g_variant_unref(g_variant_ref_sink(value));
}

/* From now on the run stays, whatever becomes of it. */
static void reply_pending(Start *start)
{
    start->answered = TRUE;
    pool_make_visible(start->pool, start->run);
    give_reply(start, run_get_info(start->run), NULL);
}

static guint pending_msec(void)
{
    const char *text = g_getenv(PENDING_VARIABLE);
    return text ? (guint)g_ascii_strtoull(text, NULL, 10) : PENDING_MSEC;
}

static gboolean on_pending_timer(gpointer user_data)
{
    Start *start = user_data;
    start->pending_timer = 0;
    reply_pending(start);
    return G_SOURCE_REMOVE;
}

/* Frees the Start; the run, if it is still in the pool, goes on without it. */
static void finish(Start *start)
{
    Pool *pool = start->pool;
    g_ptr_array_remove_fast(pool->starts, start); /* frees it */
    pool_advance(pool);
}

/* --- Undo --- */

static void undo_in_thread(gpointer data)
{
    Start *start = data;
    const RunRecord *record = start->run->record;
    g_autoptr(GError) error = NULL;
    if (start->undo_worktree && !worktree_undo(record->worktree, &error))
        g_warning("undoing the start of %s: %s", record->run_id, error->message);
    fault_point("undo-folder");
    /* Sinks that still read have the files open. */
    if (!start->answered)
        run_folder_remove(record->run_id);
}

/* It had waited for its turn, and the service went down in the middle of it: it waits for the next.
 */
static gboolean returns_to_queue(const Start *start)
{
    return start->run->record->queued && !start->run->stop_requested &&
           g_error_matches(start->error, STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN);
}

static void on_undone(gpointer data)
{
    Start *start = data;
    Run *run = start->run;
    fault_point("undone");
    if (returns_to_queue(start)) {
        start_requeue(start->pool, run);
        finish(start);
        return;
    }
    gboolean stopped = g_error_matches(start->error, STORKIT_ERROR, STORKIT_ERROR_STOPPED);
    start->undone = TRUE;
    if (!start->answered)
        pool_remove_run(start->pool, run);
    else if (!start->real)
        run_finish_without_shim(run, stopped ? OUTCOME_STOPPED : OUTCOME_FAILED,
                                stopped ? "stopped" : start->error->message);
    give_reply(start, NULL, start->error);
    pool_answer_waiters(start->pool, run);
    finish(start);
}

/* Nothing of it runs any more: what is left is on the disk. */
static void undo_disk(Start *start)
{
    const Worktree *worktree = start->run->record->worktree;
    start->undo_worktree = worktree && (worktree->new_worktree || worktree->new_branch) &&
                           !pool_story_is_shared(start->pool, start->run);
    work_queue_push(start->pool->work, start->run->record->project_root, undo_in_thread, on_undone,
                    start);
}

static void check_undo(Start *start)
{
    if (!start->undo_unit_gone || !start->undo_shim_gone)
        return;
    start->undo_unit_gone = FALSE;
    fault_point("undo-disk");
    undo_disk(start);
}

static void on_undo_unit_gone(gpointer data)
{
    Start *start = data;
    start->undo_unit_gone = TRUE;
    check_undo(start);
}

static gboolean on_undo_shim_gone(int fd, GIOCondition condition, gpointer user_data)
{
    Start *start = user_data;
    siginfo_t info;
    waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG);
    start->undo_shim_source = 0;
    start->undo_shim_gone = TRUE;
    check_undo(start);
    return G_SOURCE_REMOVE;
}

/* Before the gate: the shim goes because the gate closes for good, the scope because it is empty;
 * StopUnit covers a scope that systemd made and could not fill. */
static void undo_processes(Start *start)
{
    Run *run = start->run;
    fault_point("undo");
    fd_clear(&run->shim.gate);
    if (run->shim.pidfd >= 0)
        start->undo_shim_source = g_unix_fd_add(run->shim.pidfd, G_IO_IN, on_undo_shim_gone, start);
    else
        start->undo_shim_gone = TRUE;

    if (start->scope_asked) {
        systemd_stop_unit(start->pool->systemd, run->record->unit);
        start->undo_watch =
            systemd_watch_gone(start->pool->systemd, run->record->unit, on_undo_unit_gone, start);
    } else {
        start->undo_unit_gone = TRUE;
    }
    check_undo(start);
}

static void fail(Start *start, GError *error_taken)
{
    start->error = error_taken;
    start->waiting = FALSE;
    undo_processes(start);
}

/* Whether somebody stopped the run meanwhile; then the Start is on its way back. */
static gboolean was_stopped(Start *start)
{
    start->busy = FALSE;
    if (start->pool->shutting_down) {
        fail(start, g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                                        "the service is going down: try again"));
        return TRUE;
    }
    if (!start->run->stop_requested)
        return FALSE;
    fail(start, g_error_new(STORKIT_ERROR, STORKIT_ERROR_STOPPED, "run %s was stopped",
                            start->run->record->run_id));
    return TRUE;
}

/* --- Behind the gate --- */

void start_on_started(Start *start)
{
    Run *run = start->run;
    if (!run->started.failed) {
        give_reply(start, run_get_info(run), NULL);
        finish(start);
        return;
    }

    RunLogState state;
    run_log_get_state(run->log, &state);
    g_autofree char *why = run_start_failure(run->record, &run->started, state.transcript_fd);
    gboolean setup = g_str_equal(run->started.failed, "setup");
    g_clear_error(&start->error);
    start->error = g_error_new_literal(
        STORKIT_ERROR, setup ? STORKIT_ERROR_SETUP_FAILED : STORKIT_ERROR_SPAWN_FAILED, why);
}

void start_on_ended(Start *start)
{
    Run *run = start->run;
    if (start->undone)
        return;
    if (!start->error && run->result->outcome == OUTCOME_STOPPED)
        start->error = g_error_new(STORKIT_ERROR, STORKIT_ERROR_STOPPED, "run %s was stopped",
                                   run->record->run_id);
    if (!start->error)
        start->error =
            g_error_new(STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                        "run %s ended before its program was executed: %s", run->record->run_id,
                        run->result->error ? run->result->error : "no reason is known");
    undo_disk(start);
}

static void open_gate(Start *start)
{
    Run *run = start->run;
    GError *error = NULL;
    fault_point("before-gate");
    if (!run_follow(run, start->pool->folder_watch, start->pool->systemd, &error) ||
        !shim_open_gate(&run->shim, &error)) {
        fail(start, error);
        return;
    }
    fault_point("after-gate");
    start->real = TRUE;
    run->phase = RUN_SETUP;
    pool_make_visible(start->pool, run);
}

/* --- The scope --- */

static void on_scope(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Start *start = user_data;
    GError *error = NULL;
    if (!systemd_start_scope_finish(result, &error)) {
        fail(start, error);
        return;
    }
    fault_point("scope");
    char *cgroup = cgroup_of_process(start->run->shim.pid);
    if (cgroup)
        run_set_cgroup(start->run, cgroup);
    if (was_stopped(start))
        return;
    if (!cgroup) {
        fail(start, g_error_new(STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                                "the shim of run %s went away before its scope was there",
                                start->run->record->run_id));
        return;
    }
    open_gate(start);
}

static void make_scope(Start *start)
{
    const RunRecord *record = start->run->record;
    g_autofree char *description =
        g_strdup_printf("Agent %s on story %s", record->agent, record->story);
    ScopeSpec spec = {
        .unit = record->unit,
        .description = description,
        .pid = start->run->shim.pid,
        .timeout_stop_usec = record->stop_grace_usec + SCOPE_STOP_EXTRA_USEC,
        .limits = &record->limits,
    };
    start->scope_asked = TRUE;
    start->busy = TRUE;
    systemd_start_scope(start->pool->systemd, &spec, NULL, on_scope, start);
    fault_point("scope-asked");
}

static void spawn_shim(Start *start)
{
    GError *error = NULL;
    if (!shim_spawn(start->run->record, start->environment, start->has_stdin, &start->run->shim,
                    &error)) {
        fail(start, error);
        return;
    }
    fault_point("shim");
    make_scope(start);
}

/* --- Worktree and folder, in a worker thread --- */

static char **list_setup(const ProjectConfig *config, const Worktree *worktree)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (guint i = 0; i < config->components->len && !worktree->prepared; i++) {
        const ComponentConfig *component = g_ptr_array_index(config->components, i);
        g_autofree char *folder = g_build_filename(worktree->path, component->path, NULL);
        for (char **command = component->setup; *command; command++) {
            g_strv_builder_add(builder, folder);
            g_strv_builder_add(builder, *command);
        }
    }
    return g_strv_builder_end(builder);
}

static RunRecord *copy_identity(const RunRecord *record)
{
    RunRecord *plan = g_new0(RunRecord, 1);
    plan->run_id = g_strdup(record->run_id);
    plan->unit = g_strdup(record->unit);
    plan->project_root = g_strdup(record->project_root);
    plan->story = g_strdup(record->story);
    plan->agent = g_strdup(record->agent);
    plan->kind = record->kind;
    plan->created = record->created;
    plan->queued = record->queued;
    plan->options = start_options_copy(record->options);
    return plan;
}

/* The command line, the environment and the bounds, from the roster and the caller's options. */
static AgentCommand *plan_command(Start *start, const AgentConfig *agent)
{
    const StartOptions *options = start->run->record->options;
    RunRecord *plan = start->plan;
    CommandContext context = {
        .worktree_path = plan->worktree->path,
        .story_id = plan->story,
        .base_branch = plan->worktree->base_branch,
        .prompt = options->prompt,
        .resume = options->resume,
    };
    g_autoptr(AgentCommand) command = agent_command_build(agent, &context, &start->error);
    if (!command)
        return NULL;

    char **environment = agent_environment_build(start->environment, agent, &context, options->env);
    g_strfreev(start->environment);
    start->environment = environment;
    plan->argv = g_steal_pointer(&command->argv);
    plan->interactive = agent->interactive;
    plan->stop_grace_usec = agent->stop_grace_usec;
    plan->result_grace_usec = agent->result_grace_usec;
    plan->limits = agent->limits;
    limits_override(&plan->limits, &options->limits);
    return g_steal_pointer(&command);
}

static gboolean write_stdin(Start *start, const char *text)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d/stdin", start->folder_fd);
    start->has_stdin = text != NULL;
    return !text ||
           g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, &start->error);
}

static gboolean prepare_folder(Start *start, const AgentCommand *command)
{
    if (start->folder_fd < 0)
        start->folder_fd = run_folder_create(start->plan->run_id, &start->error);
    fault_point("folder");
    if (start->folder_fd < 0 || !run_record_write(start->plan, start->folder_fd, &start->error))
        return FALSE;
    fault_point("record");
    return shim_make_fifos(start->folder_fd, &start->error) &&
           write_stdin(start, command->stdin_text) &&
           (start->run->cursors ||
            (start->cursors = sink_cursors_open(start->folder_fd, &start->error)));
}

static void prepare_in_thread(gpointer data)
{
    Start *start = data;
    const ProjectConfig *config = start->target->config;
    const AgentConfig *agent = target_get_agent(start->target);
    RunRecord *plan = start->plan = copy_identity(start->run->record);

    plan->worktree = worktree_plan(plan->project_root, plan->story,
                                   start->run->record->options->base_branch, &start->error);
    if (!plan->worktree)
        return;
    plan->setup = list_setup(config, plan->worktree);
    g_autoptr(AgentCommand) command = plan_command(start, agent);
    if (!command || !prepare_folder(start, command))
        return;
    fault_point("files");
    worktree_create(plan->worktree, *plan->setup != NULL, (const char *const *)config->copy,
                    &start->error);
    fault_point("worktree");
}

static void on_prepared(gpointer data)
{
    Start *start = data;
    Run *run = start->run;
    run_record_free(run->record);
    run->record = g_steal_pointer(&start->plan);
    if (start->folder_fd >= 0)
        run->folder_fd = fd_steal(&start->folder_fd);
    if (start->cursors)
        run->cursors = g_steal_pointer(&start->cursors);
    pool_announce(start->pool, run);
    if (start->error) {
        start->busy = FALSE;
        fail(start, start->error);
        return;
    }
    if (!was_stopped(start))
        spawn_shim(start);
}

static void try_worktree(Start *start)
{
    start->waiting = pool_story_is_preparing(start->pool, start->run);
    if (start->waiting)
        return;
    start->at_worktree = TRUE;
    start->busy = TRUE;
    start->folder_fd = fd_steal(&start->run->folder_fd);
    work_queue_push(start->pool->work, start->run->record->project_root, prepare_in_thread,
                    on_prepared, start);
}

void start_retry(Start *start)
{
    if (start->waiting)
        try_worktree(start);
}

static void on_environment(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Start *start = user_data;
    start->environment = login_environment_get_finish(result, NULL);
    if (!was_stopped(start))
        try_worktree(start);
}

static void prepare(Start *start)
{
    start->busy = TRUE;
    login_environment_get_async(NULL, on_environment, start);
}

/* --- Admission --- */

static void on_target(Target *target, const GError *error, gpointer data)
{
    Start *start = data;
    start->busy = FALSE;
    start->target = target;
    if (error)
        fail(start, g_error_copy(error));
    else if (!was_stopped(start))
        prepare(start);
}

void start_admit(Start *start)
{
    const RunRecord *record = start->run->record;
    start->run->phase = RUN_PREPARING;
    start->run->queue_position = 0;
    start->busy = TRUE;
    /* The config may have changed since the run was queued. */
    g_clear_pointer(&start->target, target_free);
    target_resolve(start->pool->work, record->project_root, record->story, record->agent, TRUE,
                   on_target, start);
}

static void write_queued_in_thread(gpointer data)
{
    Start *start = data;
    const RunRecord *record = start->run->record;
    start->folder_fd = run_folder_create(record->run_id, &start->error);
    if (start->folder_fd < 0 || !run_record_write(record, start->folder_fd, &start->error))
        return;
    start->cursors = sink_cursors_open(start->folder_fd, &start->error);
    fault_point("queued");
}

static void on_queued(gpointer data)
{
    Start *start = data;
    start->busy = FALSE;
    start->run->cursors = g_steal_pointer(&start->cursors);
    start->run->folder_fd = fd_steal(&start->folder_fd);
    if (start->error) {
        g_queue_remove(&start->pool->queue, start);
        fail(start, start->error);
        return;
    }
    reply_pending(start);
    if (start->run->stop_requested)
        start_stop(start);
    pool_advance(start->pool);
}

static int by_age(gconstpointer a, gconstpointer b, gpointer unused)
{
    const Start *left = a, *right = b;
    return left->run->record->created > right->run->record->created ? 1 : -1;
}

static void enqueue(Start *start)
{
    Pool *pool = start->pool;
    start->run->phase = RUN_QUEUED;
    start->run->record->queued = TRUE;
    g_queue_insert_sorted(&pool->queue, start, by_age, NULL);
    start->run->queue_position = (guint)g_queue_index(&pool->queue, start) + 1;
    pool_notify_counts(start->pool);
}

static void write_queued(Start *start)
{
    start->busy = TRUE;
    work_queue_push(start->pool->work, NULL, write_queued_in_thread, on_queued, start);
}

static RunRecord *new_record(const Target *target, StartOptions *options)
{
    RunRecord *record = g_new0(RunRecord, 1);
    record->run_id = run_id_new(target->story, target->agent);
    record->unit = run_unit_name(record->run_id);
    record->project_root = g_strdup(target->root);
    record->story = g_strdup(target->story);
    record->agent = g_strdup(target->agent);
    record->kind = target_get_agent(target)->kind;
    record->created = now_usec();
    record->options = options;
    return record;
}

void start_begin(Pool *pool, Target *target, StartOptions *options, PoolReply reply, gpointer data)
{
    gboolean full = !pool_has_room(pool) || pool->queue.length > 0;
    g_autoptr(Run) run = run_new(new_record(target, options), &pool_run_keeper, pool);
    run->phase = RUN_PREPARING;
    pool_add_run(pool, run);

    Start *start = start_new(pool, run, reply, data);
    start->target = target;
    start->pending_timer = g_timeout_add(pending_msec(), on_pending_timer, start);
    if (full) {
        enqueue(start);
        write_queued(start);
    } else {
        prepare(start);
        pool_notify_counts(pool);
    }
}

void start_requeue(Pool *pool, Run *run)
{
    Start *start = start_new(pool, run, NULL, NULL);
    start->answered = TRUE;
    enqueue(start);
    pool_make_visible(pool, run);
}

void start_resume_setup(Pool *pool, Run *run)
{
    Start *start = start_new(pool, run, NULL, NULL);
    start->answered = start->real = start->at_worktree = TRUE;
}

void start_undo_found(Pool *pool, Run *run)
{
    Start *start = start_new(pool, run, NULL, NULL);
    start->scope_asked = TRUE;
    /* Its events are published only once somebody has been told that it is there. */
    start->answered =
        run->record->queued || (run->cursors && sink_cursors_get(run->cursors, SINK_BUS) > 0);
    if (start->answered)
        pool_make_visible(pool, run);
    fail(start,
         g_error_new(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                     "the service went down while run %s was being started", run->record->run_id));
}

/* --- Stop --- */

void start_stop(Start *start)
{
    Run *run = start->run;
    run->stop_requested = TRUE;
    if (start->error)
        return;
    if (start->real) {
        run_stop(run);
        return;
    }
    if (start->busy)
        return; /* the step that is under way looks when it is done */
    g_queue_remove(&start->pool->queue, start);
    was_stopped(start);
}

void start_abandon(Start *start)
{
    if (!start->real && !start->error && !start->busy && start->run->phase != RUN_QUEUED)
        was_stopped(start);
}

gboolean start_may_be_left(const Start *start)
{
    return (start->real && !start->error) || start->run->phase == RUN_QUEUED;
}
