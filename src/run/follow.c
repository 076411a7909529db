/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/run-internal.h"

#include <sys/wait.h>

#include <glib-unix.h>

#include "base/test-hooks.h"
#include "base/util.h"
#include "host/cgroup.h"

/* How long after its grace a shim that was asked to stop may take before the daemon steps in, and
 * how long a scope may outlive its shim. */
#define GUARD_SECONDS 5

/* How often a folder is looked at that can't be watched. */
#define POLL_MSEC 500

/* While an agent floods its terminal, one batch (64 KiB) is read in this many ms. */
#define FLOOD_MSEC 50

/* What the head decodes in one turn, about: one batch more where that is not reached. */
#define TURN_BYTES (64u * 1024)

static void take_started(Run *run)
{
    if (run->has_started || !run_log_get_started(run->log, &run->started))
        return;
    run->has_started = TRUE;
    if (!run->started.failed)
        run_set_phase(run, RUN_RUNNING);
    run->keeper->started(run, run->keeper_data);
}

/* Reads the folder once; whether there is more output to read. */
static gboolean refresh(Run *run, GError **error)
{
    gboolean more = run_log_refresh(run->log, run->folder_fd, error);
    take_started(run);
    return more;
}

static void finish(Run *run);

static void check_gone(Run *run)
{
    if (!run->shim_gone || !run->unit_gone)
        return;
    g_clear_handle_id(&run->guard_source, g_source_remove);
    run->shim_gone = FALSE; /* told once */
    finish(run);
}

static void finish_with_result(Run *run);

static void pump(Run *run);

static gboolean is_scheduled(const Run *run)
{
    return run->turn || run->flood_source != 0;
}

static void on_turn(void *data)
{
    Run *run = data;
    run->turn = NULL;
    pump(run);
}

static gboolean on_flood(gpointer user_data)
{
    Run *run = user_data;
    run->flood_source = 0;
    pump(run);
    return G_SOURCE_REMOVE;
}

/* The head's next turn, below the bus's priority: calls are answered meanwhile. */
static void schedule_pump(Run *run)
{
    if (!is_scheduled(run))
        run->turn = idle_turn_new(on_turn, run);
}

static void schedule_next_pump(Run *run)
{
    if (!run->flood.on)
        schedule_pump(run);
    else if (!is_scheduled(run))
        run->flood_source =
            g_timeout_add_full(G_PRIORITY_DEFAULT_IDLE, FLOOD_MSEC, on_flood, run, NULL);
}

/* TRUE: another turn is due, for output written while writes were not watched. In a flood, each
 * write would wake us. */
static gboolean look_for_flood(Run *run, guint64 bytes)
{
    if (!flood_look(&run->flood, bytes, log_reader_backlog(run->head), g_get_monotonic_time()))
        return run->flood.on;
    folder_watch_set_writes(run->folder_watch, run->folder_fd, !run->flood.on);
    return TRUE;
}

/* The head goes on, as far as one turn may: TRUE where there may be more. Sinks read up to the end
 * of the log whenever they can, so what is readable is decoded in the turn that made it readable,
 * place by place: a client that has an event and asks for the run gets what the event said. */
static gboolean decode_turn(Run *run)
{
    guint64 backlog = log_reader_backlog(run->head);
    guint64 rest = backlog - MIN(backlog, TURN_BYTES);
    g_autoptr(EventBatch) batch = NULL;
    do {
        g_clear_pointer(&batch, event_batch_unref);
        batch = log_reader_decode(run->head, &run->facts);
        if (batch)
            run->keeper->has_events(run, batch, run->keeper_data);
    } while (run->head && batch && batch->events->len > 0 && log_reader_backlog(run->head) > rest);
    return batch != NULL;
}

/* The head's turn. */
static void pump(Run *run)
{
    g_autoptr(Run) keep = run_ref(run);
    gboolean changed = refresh(run, NULL);
    run_check_held(run);
    if (changed)
        run->keeper->output(run, run->keeper_data);
    if (!run->head) /* ended, or undone, by what started() led to */
        return;

    gboolean more = decode_turn(run);
    if (!run->head)
        return;
    RunLogState state;
    run_log_get_state(run->log, &state);
    if (look_for_flood(run, state.readable) || more)
        schedule_next_pump(run);
    else if (run->over)
        finish_with_result(run);
    else
        run_watch_for_quiet(run, state.readable);
    if (run->head && (!more || log_reader_backlog(run->head) == 0))
        run_check_waiting(run);
}

static void on_folder_changed(gpointer data)
{
    schedule_pump(data);
}

static gboolean on_guard(gpointer user_data)
{
    Run *run = user_data;
    run->guard_source = 0;
    g_warning("run %s does not end: killing its processes", run->record->run_id);
    run_kill(run);
    return G_SOURCE_REMOVE;
}

static void set_guard(Run *run, guint seconds)
{
    g_clear_handle_id(&run->guard_source, g_source_remove);
    run->guard_source = g_timeout_add_seconds(seconds, on_guard, run);
}

/* The shim left no process in it: remaining ones came back from elsewhere. */
static void end_scope(Run *run)
{
    if (run->condition.cgroup)
        cgroup_kill(run->condition.cgroup);
    set_guard(run, GUARD_SECONDS);
}

static void on_shim_gone(gpointer user_data)
{
    g_autoptr(Run) run = run_ref(user_data);
    siginfo_t info;
    run->shim_watch = NULL;
    /* Ours is reaped here; an adopted one is its new parent's. */
    waitid(P_PIDFD, (id_t)run->shim.pidfd, &info, WEXITED | WNOHANG);
    run->shim_gone = TRUE;
    fault_point("shim-gone");

    RunExit exit;
    if (!run_exit_read(run->folder_fd, &exit, NULL))
        run_kill(run); /* it was killed: nobody else ends its processes */
    else
        end_scope(run);
    check_gone(run);
}

static void on_unit_gone(gpointer user_data)
{
    g_autoptr(Run) run = run_ref(user_data);
    run->unit_gone = TRUE;
    fault_point("unit-gone");
    check_gone(run);
}

static gboolean watch_folder(Run *run, GError **error)
{
    run->watch_id =
        folder_watch_add(run->folder_watch, run->folder_fd, on_folder_changed, run, error);
    return run->watch_id >= 0;
}

static gboolean on_poll(gpointer user_data)
{
    Run *run = user_data;
    gboolean watched = watch_folder(run, NULL);
    if (watched)
        run->poll_source = 0;
    schedule_pump(run);
    return watched ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

void run_follow(Run *run)
{
    g_autoptr(GError) error = NULL;
    if (!watch_folder(run, &error)) {
        g_warning("checking run %s twice a second: %s", run->record->run_id, error->message);
        run->poll_source = g_timeout_add(POLL_MSEC, on_poll, run);
    }
    run_follow_cgroup(run);
    run->head = log_reader_new(run->log, 0, NULL);
    run->unit_watch = systemd_watch_gone(run->systemd, run->record->unit, on_unit_gone, run);
    if (run->shim.pidfd >= 0)
        run->shim_watch = process_watch_new(run->shim.pidfd, on_shim_gone, run);
    else
        run->shim_gone = TRUE;
    schedule_pump(run);
}

gboolean run_open_gate(Run *run, GError **error)
{
    if (!shim_open_gate(&run->shim, error))
        return FALSE;
    run_set_phase(run, RUN_SETUP);
    run_follow(run);
    return TRUE;
}

/* --- The end --- */

static void end_log(Run *run, RunResult *result)
{
    g_autoptr(Run) keep = run_ref(run);
    g_autoptr(GError) error = NULL;
    run_set_phase(run, RUN_ENDED);
    run->result = result;
    if (!run_result_save(result, TRUE, run->folder_fd, &error))
        g_warning("saving the result of run %s: %s", run->record->run_id, error->message);
    fault_point("result");
    run_log_end(run->log, result);
    run_release_live(run);
    run->keeper->ended(run, run->keeper_data);
    fault_point("ended");
    /* Sinks that still read have references of their own. */
    g_clear_pointer(&run->log, run_log_unref);
}

static void finish_with_result(Run *run)
{
    RunLogState state;
    run_log_get_state(run->log, &state);
    if (run->has_exit) /* a power cut may have cut the transcript short */
        run->exit.bytes = MIN(run->exit.bytes, state.readable);
    end_log(run, run_result_decide(run->record, run->has_exit ? &run->exit : NULL,
                                   run->stop_requested, &run->facts, state.transcript_fd));
}

/* That the program was executed is in exit.json, too, and must not be missed: a Start that made
 * nothing run takes back its worktree. */
static void take_started_from_exit(Run *run, const RunExit *exit)
{
    RunStarted started = {.offset = exit->offset, .time = exit->agent_started, .exit_code = -1};
    if (run->has_started || exit->agent_started == 0)
        return;
    run_log_set_started(run->log, &started);
    take_started(run);
}

/* No shim writes to it now: its last line needs no newline. FALSE: the end cannot be read now,
 * which says nothing of the run. */
static gboolean complete_log(Run *run, GError **error)
{
    g_autoptr(GError) cause = NULL;
    refresh(run, &cause);
    if (!cause)
        run->has_exit = run_exit_read(run->folder_fd, &run->exit, &cause);
    if (cause) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return FALSE;
    }
    if (run->has_exit)
        take_started_from_exit(run, &run->exit);
    run_log_complete(run->log, run->has_exit ? run->exit.bytes : G_MAXUINT64);
    return TRUE;
}

static gboolean on_retry(gpointer user_data)
{
    Run *run = user_data;
    run->retry_source = 0;
    finish(run);
    return G_SOURCE_REMOVE;
}

/* The head reads the rest, and finish_with_result() follows. */
static void finish(Run *run)
{
    g_autoptr(GError) error = NULL;
    if (!complete_log(run, &error)) {
        g_warning("run %s has ended, and how is looked at again in a second: %s",
                  run->record->run_id, error->message);
        run->retry_source = g_timeout_add_seconds(1, on_retry, run);
        return;
    }
    run->over = TRUE;
    fault_point("over");
    g_clear_handle_id(&run->flood_source, g_source_remove);
    schedule_pump(run);
}

/* A client with the cursor of a last line without a newline got it from an earlier service. */
void run_look_back(Run *run)
{
    gboolean has_shim = shim_is_alive(run->folder_fd);
    g_autoptr(GError) error = NULL;
    if (has_shim)
        refresh(run, NULL);
    else if (!complete_log(run, &error)) /* its end looks at it again */
        g_warning("reading run %s: %s", run->record->run_id, error->message);
}

void run_finish_without_shim(Run *run, RunOutcome outcome, const char *error)
{
    run_log_complete(run->log, 0);
    end_log(run, run_result_new(outcome, error));
}

void run_stop(Run *run)
{
    g_autoptr(GError) error = NULL;
    guint64 grace = run->record->stop_grace_usec;
    run->stop_requested = TRUE;
    run_thaw_scope(run);
    run->condition.frozen = FALSE; /* the shim thaws the processes that it ends */
    int fd = shim_send_stop(run->folder_fd, grace, &error);
    if (fd >= 0) {
        fd_clear(&run->stop_fd); /* of a stop before this one */
        run->stop_fd = fd;
        set_guard(run, (guint)MIN(grace / G_USEC_PER_SEC, G_MAXINT) + GUARD_SECONDS);
        return;
    }
    g_debug("run %s: %s", run->record->run_id, error->message);
    set_guard(run, GUARD_SECONDS);
}

/* One of its bounds: @send tells the shim which. */
static void end_by(Run *run, int (*send)(int folder_fd, guint64 grace_usec, GError **error))
{
    g_autoptr(GError) error = NULL;
    guint64 grace = run->record->stop_grace_usec;
    autofd fd = send(run->folder_fd, grace, &error);
    if (fd < 0)
        g_debug("run %s: %s", run->record->run_id, error->message);
    set_guard(run, (guint)MIN(grace / G_USEC_PER_SEC, G_MAXINT) + GUARD_SECONDS);
}

void run_give_up(Run *run)
{
    run->giving_up = TRUE;
    end_by(run, shim_send_unanswered);
}

void run_end_lease(Run *run)
{
    run_thaw_scope(run);
    end_by(run, shim_send_lease_gone);
}

void run_kill(Run *run)
{
    if (run->condition.cgroup)
        cgroup_kill(run->condition.cgroup);
    systemd_stop_unit(run->systemd, run->record->unit);
}
