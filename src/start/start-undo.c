/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start/start-undo.h"

#include <glib-unix.h>
#include <sys/wait.h>

#include "base/test-hooks.h"
#include "git/calls.h"
#include "pool/pool-internal.h"
#include "base/util.h"
#include "store/folder.h"

struct StartUndo {
    Pool *pool;
    Run *run;
    const StartUndoOwner *owner;
    gpointer data;

    guint shim_source;
    UnitWatch *unit_watch;
    gboolean shim_gone, unit_gone;
    gboolean with_worktree; /* what was new for this run, and nobody else uses */
    gboolean setup_ran;     /* or may have: there are files of its own in the worktree */
    gboolean worktree_gone;
};

static StartUndo *undo_new(Pool *pool, Run *run, const StartUndoOwner *owner, gpointer data)
{
    StartUndo *undo = g_new0(StartUndo, 1);
    *undo = (StartUndo){.pool = pool, .run = run_ref(run), .owner = owner, .data = data};
    return undo;
}

void start_undo_free(StartUndo *undo)
{
    if (!undo)
        return;
    g_clear_handle_id(&undo->shim_source, g_source_remove);
    g_clear_pointer(&undo->unit_watch, unit_watch_free);
    run_unref(undo->run);
    g_free(undo);
}

/* --- The disk --- */

static void remove_folder_in_thread(gpointer data)
{
    StartUndo *undo = data;
    run_folder_remove(undo->run->record->run_id);
}

static void on_folder_removed(gpointer data)
{
    StartUndo *undo = data;
    undo->owner->done(undo->data);
}

static void undo_worktree_in_thread(gpointer data)
{
    StartUndo *undo = data;
    const RunRecord *record = undo->run->record;
    g_autoptr(GError) error = NULL;
    const GitContext git = {NULL, NULL};
    if (undo->with_worktree)
        undo->worktree_gone =
            git_call_undo(&git, record->worktree, record->created, undo->setup_ran, &error);
    if (error)
        g_warning("undoing the start of %s: %s", record->run_id, error->message);
}

static void save_record_in_thread(gpointer data)
{
    StartUndo *undo = data;
    const Run *run = undo->run;
    g_autoptr(GError) error = NULL;
    if (!run_record_write(run->record, run->folder_fd, &error))
        g_warning("undoing the start of %s: %s", run->record->run_id, error->message);
}

static void on_record_saved(gpointer data)
{
    StartUndo *undo = data;
    undo->owner->done(undo->data);
}

/* What comes to be at that path next is not this run's: neither to show nor to undo again. */
static void forget_worktree(StartUndo *undo)
{
    g_clear_pointer(&undo->run->record->worktree, worktree_free);
    runs_tell_changed(undo->pool->runs, undo->run);
    work_queue_push(undo->pool->work, NULL, save_record_in_thread, on_record_saved, undo);
}

static void on_worktree_undone(gpointer data)
{
    StartUndo *undo = data;
    fault_point("undo-folder");
    /* Sinks that still read have its files open. */
    if (!undo->owner->keeps_folder(undo->data))
        work_queue_push(undo->pool->work, NULL, remove_folder_in_thread, on_folder_removed, undo);
    else if (undo->worktree_gone)
        forget_worktree(undo);
    else
        undo->owner->done(undo->data);
}

static void undo_worktree(StartUndo *undo)
{
    const RunRecord *record = undo->run->record;
    const Worktree *worktree = record->worktree;
    undo->with_worktree = worktree && (worktree->new_worktree || worktree->new_branch) &&
                          !pool_story_is_shared(undo->pool, undo->run);
    work_queue_push(undo->pool->work, record->project_root, undo_worktree_in_thread,
                    on_worktree_undone, undo);
}

StartUndo *start_undo_disk(Pool *pool, Run *run, const StartUndoOwner *owner, gpointer data)
{
    StartUndo *undo = undo_new(pool, run, owner, data);
    undo->setup_ran = TRUE;
    undo_worktree(undo);
    return undo;
}

/* --- The processes --- */

static void check_processes(StartUndo *undo)
{
    if (!undo->unit_gone || !undo->shim_gone)
        return;
    fault_point("undo-disk");
    undo_worktree(undo);
}

static void on_unit_gone(gpointer data)
{
    StartUndo *undo = data;
    undo->unit_gone = TRUE;
    check_processes(undo);
}

static gboolean on_shim_gone(int fd, GIOCondition condition, gpointer user_data)
{
    StartUndo *undo = user_data;
    siginfo_t info;
    waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG);
    undo->shim_source = 0;
    undo->shim_gone = TRUE;
    check_processes(undo);
    return G_SOURCE_REMOVE;
}

/* The shim goes because the gate closes for good, the scope because it is empty; StopUnit covers a
 * scope that systemd made and could not fill. */
StartUndo *start_undo(Pool *pool, Run *run, gboolean scope_asked, const StartUndoOwner *owner,
                      gpointer data)
{
    StartUndo *undo = undo_new(pool, run, owner, data);
    fault_point("undo");
    fd_clear(&run->shim.gate);
    undo->shim_gone = run->shim.pidfd < 0;
    if (!undo->shim_gone)
        undo->shim_source = g_unix_fd_add(run->shim.pidfd, G_IO_IN, on_shim_gone, undo);

    undo->unit_gone = !scope_asked;
    if (scope_asked) {
        systemd_stop_unit(pool->systemd, run->record->unit);
        undo->unit_watch = systemd_watch_gone(pool->systemd, run->record->unit, on_unit_gone, undo);
    }
    check_processes(undo);
    return undo;
}
