/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start/steps.h"

#include "base/error.h"
#include "base/test-hooks.h"
#include "base/util.h"
#include "git/claim.h"
#include "host/cgroup.h"
#include "host/login-environment.h"
#include "start/claims.h"

/* The time that systemd's own stop gives the scope, beyond the run's grace. */
#define SCOPE_STOP_EXTRA_USEC (5 * G_USEC_PER_SEC)

/* --- The folder, and a place among those that run --- */

static void make_folder_in_thread(gpointer data)
{
    Start *start = data;
    Preparation *preparation = &start->preparation;
    start_prepare_folder(preparation, run_get_record(start->run), &preparation->error);
}

static void on_folder(gpointer data)
{
    Start *start = data;
    Preparation *preparation = &start->preparation;
    run_take_folder(start->run, fd_steal(&preparation->folder_fd),
                    g_steal_pointer(&preparation->cursors));
    step_done(start, g_steal_pointer(&preparation->error));
}

void make_folder(Start *start)
{
    work_queue_push(start->tools->work, NULL, make_folder_in_thread, on_folder, start);
}

/* A caller whose run is in the queue need not wait for its turn. */
void wait_for_place(Start *start)
{
    if (run_get_phase(start->run) == RUN_QUEUED) {
        reply_pending(start);
        start->owner->moved_on(start, start->owner_data);
        return;
    }
    reply_pending_later(start);
    step_done(start, NULL);
}

/* --- Facts --- */

static void on_target(Target *target, const GError *error, gpointer data)
{
    Start *start = data;
    GError *own_error = error ? g_error_copy(error) : NULL;
    start->target = target;
    if (!own_error)
        start->owner->check_target(target, start->owner_data, &own_error);
    step_done(start, own_error);
}

/* The config may have changed since the run was queued. */
void resolve_again(Start *start)
{
    const RunRecord *record = run_get_record(start->run);
    if (!record->queued) {
        step_done(start, NULL);
        return;
    }
    g_clear_pointer(&start->target, target_free);
    target_resolve(start->tools->work, record->project_root, record->story, record->agent, TRUE,
                   on_target, start);
}

static void on_environment(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Start *start = user_data;
    start->preparation.environment = login_environment_get_finish(result, NULL);
    step_done(start, NULL);
}

void ask_environment(Start *start)
{
    login_environment_get_async(NULL, on_environment, start);
}

/* --- The worktree, and what else is on the disk --- */

/* One setup a story at a time. */
void wait_for_story(Start *start)
{
    if (start->owner->may_prepare(start, start->owner_data))
        step_done(start, NULL);
}

static void make_plan_in_thread(gpointer data)
{
    Start *start = data;
    Preparation *preparation = &start->preparation;
    const Run *run = start->run;
    start_prepare_plan(preparation, run_get_folder_fd(run), run_get_record(run), start->target,
                       &preparation->error);
}

static void end_preparation(Start *start)
{
    Preparation *preparation = &start->preparation;
    g_autoptr(GError) error = g_steal_pointer(&preparation->error);
    if (g_cancellable_is_cancelled(preparation->cancellable))
        g_clear_error(&error); /* that of the git which was killed: why is known */
    step_done(start, g_steal_pointer(&error));
}

static void on_plan(gpointer data)
{
    Start *start = data;
    Preparation *preparation = &start->preparation;
    if (preparation->plan)
        run_take_plan(start->run, g_steal_pointer(&preparation->plan));
    end_preparation(start);
}

void make_plan(Start *start)
{
    work_queue_push(start->tools->work, run_get_record(start->run)->project_root,
                    make_plan_in_thread, on_plan, start);
}

static void make_worktree_in_thread(gpointer data)
{
    Start *start = data;
    Preparation *preparation = &start->preparation;
    const Run *run = start->run;
    start_prepare_worktree(preparation, run_get_folder_fd(run), run_get_record(run), start->target,
                           &preparation->error);
}

static void on_worktree(gpointer data)
{
    end_preparation(data);
}

void make_worktree(Start *start)
{
    work_queue_push(start->tools->work, run_get_record(start->run)->project_root,
                    make_worktree_in_thread, on_worktree, start);
}

/* That no other machine works in it: how this one shares it is known to the owner. */
static void take_claim_in_thread(gpointer data)
{
    Start *start = data;
    const RunRecord *record = run_get_record(start->run);
    g_autofree char *admin = worktree_admin_of(record->worktree);
    worktree_claim_take(admin, record->run_id, &start->preparation.error);
}

static void on_claim(gpointer data)
{
    Start *start = data;
    step_done(start, g_steal_pointer(&start->preparation.error));
}

void take_claim(Start *start)
{
    g_autofree char *admin = worktree_admin_of(run_get_record(start->run)->worktree);
    g_autofree char *lane = claims_lane(admin);
    work_queue_push(start->tools->work, lane, take_claim_in_thread, on_claim, start);
}

/* --- The processes --- */

void spawn_shim(Start *start)
{
    GError *error = NULL;
    const Preparation *preparation = &start->preparation;
    run_spawn_shim(start->run, preparation->agents_environment, preparation->has_stdin, &error);
    step_done(start, error);
}

/* A shim that has died is where it was born, beside this service, and was never moved. */
static gboolean find_scope(const Start *start, GError **error)
{
    Run *run = start->run;
    char *folder =
        systemd_find_scope(start->tools->systemd, run_get_record(run)->unit, run_get_shim_pid(run));
    if (folder) {
        run_set_cgroup(run, folder);
        return TRUE;
    }
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                "the shim of run %s exited before its scope was ready", run_get_id(run));
    return FALSE;
}

/* In a frozen slice the shim would stand still behind its gate, and this Start with it. */
static gboolean check_can_run(const Start *start, GError **error)
{
    g_autofree char *frozen = cgroup_find_frozen_above(run_get_condition(start->run)->cgroup);
    if (!frozen)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_SCOPE_FAILED,
                "%s is frozen, and agents in it cannot run: `systemctl --user thaw %s` first",
                frozen, frozen);
    return FALSE;
}

static void on_scope(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Start *start = user_data;
    start->scope_awaited = FALSE;
    if (systemd_start_scope_finish(result, &start->scope_error))
        (void)(find_scope(start, &start->scope_error) && check_can_run(start, &start->scope_error));
    if (start->error && start->at == STEP_SCOPE)
        end_scope(start);
    else if (start->at == STEP_SCOPE)
        step_done(start, g_steal_pointer(&start->scope_error));
}

/* systemd takes a while for it, in which the worktree is made. */
void ask_for_scope(Start *start)
{
    const RunRecord *record = run_get_record(start->run);
    g_autofree char *description =
        g_strdup_printf("Agent %s on story %s", record->agent, record->story);
    ScopeSpec spec = {
        .unit = record->unit,
        .description = description,
        .pid = run_get_shim_pid(start->run),
        .timeout_stop_usec = record->stop_grace_usec + SCOPE_STOP_EXTRA_USEC,
        .limits = &record->limits,
    };
    start->scope_awaited = TRUE;
    systemd_start_scope(start->tools->systemd, &spec, NULL, on_scope, start);
    step_done(start, NULL);
}

void wait_for_scope(Start *start)
{
    if (!start->scope_awaited)
        step_done(start, g_steal_pointer(&start->scope_error));
}

void open_gate(Start *start)
{
    GError *error = NULL;
    fault_point("before-gate");
    if (run_open_gate(start->run, &error))
        runs_make_visible(start->tools->runs, start->run);
    step_done(start, error);
}
