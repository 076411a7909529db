/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/run-internal.h"

#include <fcntl.h>
#include <sys/pidfd.h>

#include "base/error.h"
#include "base/names.h"
#include "base/util.h"
#include "store/folder.h"

Run *run_new(RunRecord *record, FolderWatch *folder_watch, Systemd *systemd,
             const RunKeeper *keeper, gpointer keeper_data)
{
    Run *run = g_new0(Run, 1);
    g_ref_count_init(&run->references);
    run->record = record;
    run->phase = RUN_PREPARING;
    run->folder_fd = -1;
    run->watch_id = run->cgroup_watch_id = run->stop_fd = -1;
    run->memory_events_fd = run->cgroup_events_fd = -1;
    run->shim = (Shim)SHIM_INIT;
    run->log = run_log_new(record);
    run->folder_watch = folder_watch;
    run->systemd = systemd;
    run->keeper = keeper;
    run->keeper_data = keeper_data;
    return run;
}

Run *run_ref(Run *run)
{
    g_ref_count_inc(&run->references);
    return run;
}

void run_release_live(Run *run)
{
    g_clear_pointer(&run->turn, idle_turn_free);
    g_clear_handle_id(&run->flood_source, g_source_remove);
    g_clear_pointer(&run->shim_watch, process_watch_free);
    g_clear_handle_id(&run->guard_source, g_source_remove);
    g_clear_handle_id(&run->poll_source, g_source_remove);
    g_clear_handle_id(&run->retry_source, g_source_remove);
    g_clear_handle_id(&run->quiet_source, g_source_remove);
    g_clear_pointer(&run->condition.unfinished_line, g_free);
    g_clear_pointer(&run->condition.questions, g_ptr_array_unref);
    g_clear_pointer(&run->unit_watch, unit_watch_free);
    if (run->watch_id >= 0)
        folder_watch_remove(run->folder_watch, run->watch_id);
    if (run->cgroup_watch_id >= 0)
        folder_watch_remove(run->folder_watch, run->cgroup_watch_id);
    run->watch_id = run->cgroup_watch_id = -1;
    fd_clear(&run->memory_events_fd);
    fd_clear(&run->cgroup_events_fd);
    g_clear_pointer(&run->head, log_reader_free);
    g_clear_pointer(&run->condition.cgroup, g_free);
    shim_clear(&run->shim);
    fd_clear(&run->stop_fd);
}

void run_unref(Run *run)
{
    if (!run || !g_ref_count_dec(&run->references))
        return;
    run_release_live(run);
    g_clear_pointer(&run->log, run_log_unref);
    g_clear_pointer(&run->cursors, sink_cursors_unref);
    g_clear_pointer(&run->result, run_result_unref);
    run_facts_clear(&run->facts);
    run_record_free(run->record);
    g_strfreev(run->condition.unenforced);
    fd_clear(&run->folder_fd);
    g_free(run);
}

/* --- What there is --- */

RunPhase run_get_phase(const Run *run)
{
    return run->phase;
}

gboolean run_is_live(const Run *run)
{
    return run->phase != RUN_ENDED;
}

const RunRecord *run_get_record(const Run *run)
{
    return run->record;
}

const char *run_get_id(const Run *run)
{
    return run->record->run_id;
}

int run_get_folder_fd(const Run *run)
{
    return run->folder_fd;
}

SinkCursors *run_get_cursors(const Run *run)
{
    return run->cursors;
}

RunLog *run_get_log(const Run *run)
{
    return run->log;
}

const RunStarted *run_get_started(const Run *run)
{
    return run->has_started ? &run->started : NULL;
}

const RunResult *run_get_result(const Run *run)
{
    return run->result;
}

gboolean run_is_stopping(const Run *run)
{
    return run->stop_requested;
}

gboolean run_is_flooding(const Run *run)
{
    return run->flood.on;
}

gboolean run_is_input_closed(const Run *run)
{
    return run->input_closed;
}

gboolean run_is_giving_up(const Run *run)
{
    return run->giving_up;
}

void run_set_input_closed(Run *run)
{
    run->input_closed = TRUE;
}

pid_t run_get_shim_pid(const Run *run)
{
    return run->shim.pid;
}

int run_get_shim_pidfd(const Run *run)
{
    return run->shim.pidfd;
}

/* --- Coming to be --- */

void run_set_phase(Run *run, RunPhase phase)
{
    gboolean goes_on = phase > run->phase && run->phase != RUN_ENDED;
    g_assert(goes_on || (phase == RUN_QUEUED && run->phase == RUN_PREPARING));
    run->phase = phase;
}

void run_enqueue(Run *run)
{
    run_set_phase(run, RUN_QUEUED);
    run->record->queued = TRUE;
}

void run_take_folder(Run *run, int fd, SinkCursors *cursors)
{
    run->folder_fd = fd;
    run->cursors = cursors;
}

void run_take_found(Run *run, int fd, RunResult *result)
{
    run->folder_fd = fd;
    run->result = result;
    if (!result)
        return;
    run_set_phase(run, RUN_ENDED);
    run->has_started = run_started_read(fd, &run->started, NULL);
    g_clear_pointer(&run->log, run_log_unref);
}

void run_look_from_afar(Run *run)
{
    run->has_started = run_started_read(run->folder_fd, &run->started, NULL);
    if (run_is_live(run) && run->has_started && !run->started.failed)
        run_set_phase(run, RUN_RUNNING);
}

gboolean run_check_here(const Run *run, GError **error)
{
    const RunRecord *record = run->record;
    const char *host = run_record_host(record);
    if (!host)
        return TRUE;
    g_autofree char *shown = name_for_message(host);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_ON_OTHER_HOST,
                "run %s is on host %s, which alone can reach it: use `storkitctl -H %s`, as in "
                "`storkitctl -H %s stop %s/%s`",
                record->run_id, shown, shown, shown, record->story, record->agent);
    return FALSE;
}

void run_recover_result(Run *run)
{
    RunExit exit;
    if (shim_is_alive(run->folder_fd) || !run_exit_read(run->folder_fd, &exit, NULL))
        return;
    RunLogState state;
    g_autoptr(RunLog) log = run_log_new(run->record);
    run_log_refresh(log, run->folder_fd, NULL);
    run_log_complete(log, exit.bytes);
    run_log_get_state(log, &state);
    exit.bytes = MIN(exit.bytes, state.readable);
    g_autoptr(LogReader) reader = log_reader_new(log, 0, NULL);
    for (EventBatch *batch; (batch = log_reader_decode(reader, &run->facts));)
        event_batch_unref(batch);
    run_take_found(run, run->folder_fd,
                   run_result_decide(run->record, &exit, FALSE, &run->facts, state.transcript_fd));
}

void run_open_cursors(Run *run)
{
    run->cursors = sink_cursors_open(run->folder_fd, NULL);
}

/* `started` names the shim; before that it is the one process of the scope that is not in the
 * agent's own cgroup. */
static pid_t find_shim_pid(const Run *run)
{
    if (run->has_started)
        return run->started.shim_pid;
    g_autofree char *path = g_build_filename(run->condition.cgroup, "cgroup.procs", NULL);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    return (pid_t)g_ascii_strtoll(text, NULL, 10);
}

/* The pid may be another's by now: only the lock on the folder says that it is the shim. */
gboolean run_find_shim(Run *run)
{
    pid_t pid = run->condition.cgroup ? find_shim_pid(run) : 0;
    fd_clear(&run->shim.pidfd);
    if (pid <= 0)
        return FALSE;
    run->shim.pidfd = pidfd_open(pid, 0);
    run->shim.pid = pid;
    if (!shim_is_alive(run->folder_fd))
        fd_clear(&run->shim.pidfd);
    return run->shim.pidfd >= 0;
}

gboolean run_find_scope(Run *run)
{
    char *folder = run->has_started
                       ? systemd_find_scope(run->systemd, run->record->unit, run->started.shim_pid)
                       : NULL;
    if (!folder)
        return FALSE;
    run_set_cgroup(run, folder);
    return run_find_shim(run);
}

void run_take_plan(Run *run, RunRecord *plan)
{
    run_record_free(run->record);
    run->record = plan;
    run_log_set_kind(run->log, plan->kind);
}

void run_forget_worktree(Run *run)
{
    g_clear_pointer(&run->record->worktree, worktree_free);
}

gboolean run_spawn_shim(Run *run, char *const *environment, gboolean has_stdin, GError **error)
{
    return shim_spawn(run->record, environment, has_stdin, &run->shim, error);
}

void run_close_gate(Run *run)
{
    fd_clear(&run->shim.gate);
}

void run_request_stop(Run *run)
{
    run->stop_requested = TRUE;
}

/* --- What others see --- */

/* A descriptor of its own; -1 and @error. */
static int open_folder(const Run *run, GError **error)
{
    if (run->folder_fd < 0)
        return run_folder_open(run->record->run_id, error);
    int fd = fcntl(run->folder_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        set_errno_error(error, errno, "opening the folder of run %s", run->record->run_id);
    return fd;
}

void run_settle(Run *run)
{
    fd_clear(&run->folder_fd);
    g_clear_pointer(&run->cursors, sink_cursors_unref);
}

SinkCursors *run_ref_cursors(const Run *run)
{
    if (run->cursors)
        return sink_cursors_ref(run->cursors);
    autofd folder = run->phase == RUN_ENDED ? open_folder(run, NULL) : -1;
    return folder >= 0 ? sink_cursors_open_existing(folder) : NULL;
}

gboolean run_save_unlisted(const Run *run, GError **error)
{
    /* Not the run's own: this is another thread. */
    autofd folder = run_folder_open(run->record->run_id, error);
    return folder >= 0 && run_result_save(run->result, FALSE, folder, error);
}

RunLog *run_open_log(Run *run, GError **error)
{
    if (run->log)
        return run_log_ref(run->log);
    autofd folder = open_folder(run, error);
    if (folder < 0)
        return NULL;
    g_autoptr(RunLog) log = run_log_new(run->record);
    g_autoptr(GError) cause = NULL;
    run_log_refresh(log, folder, &cause);
    if (cause) { /* of a log in part, cursors would be refused */
        g_propagate_error(error, g_steal_pointer(&cause));
        return NULL;
    }
    run_log_complete(log, run->result->bytes);
    run_log_end(log, run->result);
    return g_steal_pointer(&log);
}

const char *run_get_status(const Run *run)
{
    switch (run->phase) {
    case RUN_RUNNING:
        return "running";
    case RUN_ENDED:
        return run_result_status(run->result);
    default:
        return "pending";
    }
}

const RunFacts *run_get_facts(const Run *run)
{
    return run->result ? &run->result->facts : &run->facts;
}

const char *run_get_session(const Run *run)
{
    const char *session = run_get_facts(run)->session_id;
    return session || !run->record->continues ? session : run->record->options->resume;
}

/* How far sinks had come: the head of a run that was just found has not reached that yet. */
static guint64 cursor_before(const Run *run)
{
    if (!run->cursors || !run->log)
        return 0;
    RunLogState state;
    run_log_get_state(run->log, &state);
    guint64 cursor =
        MAX(sink_cursors_get(run->cursors, SINK_BUS), sink_cursors_get(run->cursors, SINK_JOURNAL));
    return cursor <= log_end_cursor(state.readable) ? cursor : 0;
}

guint64 run_get_last_cursor(const Run *run)
{
    if (run->result)
        return log_end_cursor(run->result->bytes);
    /* `pending` is there from the first moment, whether or not the head has come to it. */
    guint64 cursor = run->head ? log_reader_cursor(run->head) : 0;
    return MAX(MAX(cursor, cursor_before(run)), LOG_CURSOR_PENDING);
}
