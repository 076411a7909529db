/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start/steps.h"

#include <glib-unix.h>
#include <sys/wait.h>

#include "base/test-hooks.h"
#include "git/calls.h"
#include "start/claims.h"
#include "store/folder.h"
#include "store/sandbox-plan.h"

/*
 * The way back from a Start: the scope and the shim first, then the worktree and the branch that
 * this Start made, the run's folder last, so that after a crash in between it tells what is left to
 * undo.
 */

/* --- The processes --- */

static void on_shim_gone(gpointer user_data)
{
    Start *start = user_data;
    siginfo_t info;
    waitid(P_PIDFD, (id_t)run_get_shim_pidfd(start->run), &info, WEXITED | WNOHANG);
    start->shim_watch = NULL;
    undo_done(start);
}

static void on_unit_gone(gpointer data)
{
    Start *start = data;
    int pidfd = run_get_shim_pidfd(start->run);
    if (pidfd >= 0)
        start->shim_watch = process_watch_new(pidfd, on_shim_gone, start);
    else
        undo_done(start);
}

/* An empty scope goes by itself. StopUnit is for a scope that systemd made and could not fill. */
void end_scope(Start *start)
{
    const char *unit = run_get_record(start->run)->unit;
    systemd_stop_unit(start->tools->systemd, unit);
    start->unit_watch = systemd_watch_gone(start->tools->systemd, unit, on_unit_gone, start);
}

/* The closing gate makes the shim go. A scope that systemd has yet to make could come after its
 * end. */
void end_processes(Start *start)
{
    run_close_gate(start->run);
    if (!start->scope_awaited)
        end_scope(start);
}

/* --- The worktree --- */

static void on_undone(gpointer data)
{
    undo_done(data);
}

void release_claim(Start *start)
{
    const Run *sharer = start->owner->find_sharer(start->run, start->owner_data);
    fault_point("undo-claim");
    claims_release(start->tools->work, start->run, sharer, on_undone, start);
}

static void forget_branch(const Worktree *worktree)
{
    g_autofree char *admin = worktree_admin_of(worktree);
    sandbox_forget_branch(admin, worktree->branch);
}

static void undo_worktree_in_thread(gpointer data)
{
    Start *start = data;
    const RunRecord *record = run_get_record(start->run);
    gboolean setup_ran = !run_is_live(start->run); /* or may have: it has passed its gate */
    g_autoptr(GError) error = NULL;
    const GitContext git = {NULL, NULL};
    if (start->with_worktree)
        start->worktree_gone =
            git_call_undo(&git, record->worktree, record->created, setup_ran, &error);
    if (start->with_worktree && record->sandbox && record->worktree->new_branch)
        forget_branch(record->worktree);
    if (error)
        g_warning("undoing the start of %s: %s", record->run_id, error->message);
}

/* A worktree that somebody has worked in meanwhile is left, with a warning: the run had nothing
 * there. */
void undo_worktree(Start *start)
{
    const RunRecord *record = run_get_record(start->run);
    const Worktree *worktree = record->worktree;
    fault_point("undo-disk");
    start->with_worktree = worktree && (worktree->new_worktree || worktree->new_branch) &&
                           !start->owner->find_sharer(start->run, start->owner_data);
    work_queue_push(start->tools->work, record->project_root, undo_worktree_in_thread, on_undone,
                    start);
}

/* --- The folder --- */

static void remove_folder_in_thread(gpointer data)
{
    Start *start = data;
    run_folder_remove(run_get_id(start->run));
}

static void save_record_in_thread(gpointer data)
{
    const Start *start = data;
    const Run *run = start->run;
    g_autoptr(GError) error = NULL;
    if (!run_record_write(run_get_record(run), run_get_folder_fd(run), &error))
        g_warning("undoing the start of %s: %s", run_get_id(run), error->message);
}

/* Whatever appears at that path next does not belong to this run: neither to show nor to undo
 * again. */
static void forget_worktree(Start *start)
{
    run_forget_worktree(start->run);
    runs_tell_changed(start->tools->runs, start->run);
    work_queue_push(start->tools->work, NULL, save_record_in_thread, on_undone, start);
}

/* It stays if a caller got `pending`, to show how the run failed. Sinks that still read have its
 * files open. */
void remove_folder(Start *start)
{
    fault_point("undo-folder");
    if (!start->answered)
        work_queue_push(start->tools->work, NULL, remove_folder_in_thread, on_undone, start);
    else if (start->worktree_gone)
        forget_worktree(start);
    else
        undo_done(start);
}
