/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/run.h"

#include <fcntl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include <glib-unix.h>

#include "host/cgroup.h"
#include "run/unfinished-line.h"
#include "base/error.h"
#include "base/test-hooks.h"
#include "base/util.h"

/* How long after its grace a shim that was asked to stop may take before the daemon steps in, and
 * how long a scope may outlive its shim. */
#define GUARD_SECONDS 5

/* How often a folder is looked at that can't be watched. */
#define POLL_MSEC 500

/* While an agent floods its terminal, a batch (64 KiB) is taken in so many ms. */
#define FLOOD_MSEC 50

/* After how long without output a line without its newline is shown: it may be a question. */
#define QUIET_MSEC 1000

struct Run {
    grefcount references;
    RunPhase phase;
    RunRecord *record;
    int folder_fd; /* -1: none yet */
    RunLog *log;   /* NULL for an ended run that nobody reads */
    SinkCursors *cursors;
    RunCondition condition;
    gboolean stop_requested;
    gboolean input_closed;

    /* Of a live run. */
    Shim shim;
    RunStarted started;
    gboolean has_started;
    RunFacts facts;
    Flood flood; /* of output */
    const RunKeeper *keeper;
    gpointer keeper_data;
    FolderWatch *folder_watch;
    Systemd *systemd;
    int watch_id, cgroup_watch_id;
    int memory_events_fd; /* kept open: the kernel tells only of a file that is in its cache */
    int stop_fd;          /* see shim_send_stop(); -1: not sent */
    LogReader *head;
    guint pump_source, shim_source, guard_source, poll_source, quiet_source;
    guint64 quiet_bytes; /* of the transcript, when quiet_source began to wait */
    UnitWatch *unit_watch;
    gboolean shim_gone, unit_gone;
    gboolean over; /* nothing of it runs any more: it ends once its head has read everything */

    RunResult *result; /* of an ended run */
};

Run *run_new(RunRecord *record, FolderWatch *folder_watch, Systemd *systemd,
             const RunKeeper *keeper, gpointer keeper_data)
{
    Run *run = g_new0(Run, 1);
    g_ref_count_init(&run->references);
    run->record = record;
    run->phase = RUN_PREPARING;
    run->folder_fd = -1;
    run->watch_id = run->cgroup_watch_id = run->memory_events_fd = run->stop_fd = -1;
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

/* Everything that only a live run has. */
static void release_live(Run *run)
{
    g_clear_handle_id(&run->pump_source, g_source_remove);
    g_clear_handle_id(&run->shim_source, g_source_remove);
    g_clear_handle_id(&run->guard_source, g_source_remove);
    g_clear_handle_id(&run->poll_source, g_source_remove);
    g_clear_handle_id(&run->quiet_source, g_source_remove);
    g_clear_pointer(&run->condition.unfinished_line, g_free);
    g_clear_pointer(&run->unit_watch, unit_watch_free);
    if (run->watch_id >= 0)
        folder_watch_remove(run->folder_watch, run->watch_id);
    if (run->cgroup_watch_id >= 0)
        folder_watch_remove(run->folder_watch, run->cgroup_watch_id);
    run->watch_id = run->cgroup_watch_id = -1;
    fd_clear(&run->memory_events_fd);
    g_clear_pointer(&run->head, log_reader_free);
    g_clear_pointer(&run->condition.cgroup, g_free);
    shim_clear(&run->shim);
    fd_clear(&run->stop_fd);
}

void run_unref(Run *run)
{
    if (!run || !g_ref_count_dec(&run->references))
        return;
    release_live(run);
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

const RunCondition *run_get_condition(const Run *run)
{
    return &run->condition;
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

gboolean run_set_queue_position(Run *run, guint position)
{
    gboolean changed = run->condition.queue_position != position;
    run->condition.queue_position = position;
    return changed;
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
    run->has_started = run_started_read(fd, &run->started);
    g_clear_pointer(&run->log, run_log_unref);
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

gboolean run_open_gate(Run *run, GError **error)
{
    if (!shim_open_gate(&run->shim, error))
        return FALSE;
    run_set_phase(run, RUN_SETUP);
    run_follow(run);
    return TRUE;
}

void run_close_gate(Run *run)
{
    fd_clear(&run->shim.gate);
}

void run_request_stop(Run *run)
{
    run->stop_requested = TRUE;
}

/* --- Following --- */

static void take_started(Run *run)
{
    if (run->has_started || !run_log_get_started(run->log, &run->started))
        return;
    run->has_started = TRUE;
    if (!run->started.failed)
        run_set_phase(run, RUN_RUNNING);
    run->keeper->started(run, run->keeper_data);
}

/* Looks once at what the folder says by now; whether there is more output to read. */
static gboolean refresh(Run *run)
{
    gboolean more = run_log_refresh(run->log, run->folder_fd);
    take_started(run);
    return more;
}

const char *run_note_to_status(RunNote note)
{
    static const char *const statuses[] = {
        [NOTE_FROZEN] = "frozen",     [NOTE_THAWED] = "running",    [NOTE_DISK_FULL] = "disk_full",
        [NOTE_DISK_ROOM] = "running", [NOTE_OOM_KILL] = "oom_kill",
    };
    return statuses[note];
}

static void note(Run *run, RunNote what)
{
    run->keeper->noted(run, what, run->keeper_data);
}

static void check_held(Run *run)
{
    RunLogState state;
    run_log_get_state(run->log, &state);
    if (state.held == run->condition.held)
        return;
    run->condition.held = state.held;
    note(run, run->condition.held ? NOTE_DISK_FULL : NOTE_DISK_ROOM);
}

/* The scope's figure counts what is below it, so the agent's own cgroup too. */
static guint64 count_oom_kills(const Run *run)
{
    return cgroup_get_keyed(run->condition.cgroup, "memory.events", "oom_kill", 0);
}

static void on_cgroup_changed(gpointer data)
{
    Run *run = data;
    guint64 kills = count_oom_kills(run);
    if (kills <= run->condition.oom_kills)
        return;
    run->condition.oom_kills = kills;
    note(run, NOTE_OOM_KILL);
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

static void set_unfinished_line(Run *run, char *line_taken)
{
    g_autofree char *line = line_taken;
    char **shown = &run->condition.unfinished_line;
    if (g_strcmp0(line, *shown) == 0)
        return;
    g_free(*shown);
    *shown = g_steal_pointer(&line);
    run->keeper->changed(run, run->keeper_data);
}

static gboolean on_quiet(gpointer user_data)
{
    Run *run = user_data;
    RunLogState state;
    run_log_get_state(run->log, &state);
    guint64 length = log_reader_backlog(run->head);
    run->quiet_source = 0;
    set_unfinished_line(
        run, unfinished_line_read(state.transcript_fd, state.readable - length, state.readable));
    return G_SOURCE_REMOVE;
}

/* The head has read all whole lines. Waits only once for what was printed behind them: an idle pool
 * makes no wake-ups. */
static void watch_for_quiet(Run *run, guint64 bytes)
{
    if (bytes == run->quiet_bytes)
        return;
    run->quiet_bytes = bytes;
    g_clear_handle_id(&run->quiet_source, g_source_remove);
    if (log_reader_backlog(run->head) > 0)
        run->quiet_source = g_timeout_add(QUIET_MSEC, on_quiet, run);
    set_unfinished_line(run, NULL);
}

static void finish_with_result(Run *run);

static gboolean pump(gpointer user_data);

/* The head's next turn, below the bus's priority: calls are answered meanwhile. */
static void schedule_turn(Run *run)
{
    run->pump_source =
        run->flood.on ? g_timeout_add_full(G_PRIORITY_DEFAULT_IDLE, FLOOD_MSEC, pump, run, NULL)
                      : g_idle_add(pump, run);
}

/* TRUE: another turn is due, for what was written while nobody was told of writes. In a flood each
 * of them would wake us. */
static gboolean look_for_flood(Run *run, guint64 bytes)
{
    if (!flood_look(&run->flood, bytes, log_reader_backlog(run->head), g_get_monotonic_time()))
        return run->flood.on;
    folder_watch_set_writes(run->folder_watch, run->folder_fd, !run->flood.on);
    return TRUE;
}

/* One batch of the head. */
static gboolean pump(gpointer user_data)
{
    g_autoptr(Run) run = run_ref(user_data);
    run->pump_source = 0;
    gboolean more = refresh(run);
    check_held(run);
    if (more)
        run->keeper->output(run, run->keeper_data);
    if (!run->head) /* ended, or undone, by what started() led to */
        return G_SOURCE_REMOVE;

    g_autoptr(EventBatch) batch = log_reader_decode(run->head, &run->facts);
    RunLogState state;
    run_log_get_state(run->log, &state);
    if (look_for_flood(run, state.readable) || batch)
        schedule_turn(run);
    else if (run->over)
        finish_with_result(run);
    else
        watch_for_quiet(run, state.readable);
    if (batch)
        run->keeper->has_events(run, batch, run->keeper_data);
    return G_SOURCE_REMOVE;
}

static void schedule_pump(Run *run)
{
    if (run->pump_source == 0)
        run->pump_source = g_idle_add(pump, run);
}

static void on_folder_changed(gpointer data)
{
    schedule_pump(data);
}

static gboolean on_guard(gpointer user_data)
{
    Run *run = user_data;
    run->guard_source = 0;
    g_warning("run %s does not end by itself: killing its processes", run->record->run_id);
    run_kill(run);
    return G_SOURCE_REMOVE;
}

static void set_guard(Run *run, guint seconds)
{
    g_clear_handle_id(&run->guard_source, g_source_remove);
    run->guard_source = g_timeout_add_seconds(seconds, on_guard, run);
}

/* The shim left nothing in it: what is there still came back from elsewhere. */
static void end_scope(Run *run)
{
    if (run->condition.cgroup)
        cgroup_kill(run->condition.cgroup);
    set_guard(run, GUARD_SECONDS);
}

static gboolean on_shim_gone(int fd, GIOCondition condition, gpointer user_data)
{
    g_autoptr(Run) run = run_ref(user_data);
    siginfo_t info;
    run->shim_source = 0;
    /* Ours is reaped here; an adopted one is its new parent's. */
    waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG);
    run->shim_gone = TRUE;

    RunExit exit;
    if (!run_exit_read(run->folder_fd, &exit))
        run_kill(run); /* it was killed: nobody else ends what it left */
    else
        end_scope(run);
    check_gone(run);
    return G_SOURCE_REMOVE;
}

static void on_unit_gone(gpointer user_data)
{
    g_autoptr(Run) run = run_ref(user_data);
    run->unit_gone = TRUE;
    check_gone(run);
}

/* The shim lives beside the agent's own cgroup and goes on reading the terminal. */
static char *agent_cgroup(const Run *run)
{
    return g_build_filename(run->condition.cgroup, "agent", NULL);
}

static void follow_cgroup(Run *run)
{
    autofd fd = run->condition.cgroup
                    ? open(run->condition.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                    : -1;
    if (fd < 0)
        return;
    g_autofree char *agent = agent_cgroup(run);
    run->condition.frozen = cgroup_get_uint(agent, "cgroup.freeze", 0) != 0;
    run->condition.oom_kills = count_oom_kills(run);
    run->memory_events_fd = openat(fd, "memory.events", O_RDONLY | O_CLOEXEC);
    run->cgroup_watch_id = folder_watch_add(run->folder_watch, fd, on_cgroup_changed, run, NULL);
}

static char **find_unenforced(const Run *run)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    gboolean any = FALSE;
    for (gsize i = 0; i < LIMITS_COUNT; i++) {
        const LimitInfo *limit = limits_info(i);
        if (!limit->controller || limits_get(&run->record->limits, i) == LIMIT_UNSET ||
            cgroup_has_controller(run->condition.cgroup, limit->controller))
            continue;
        g_strv_builder_add(builder, limit->key);
        any = TRUE;
    }
    return any ? g_strv_builder_end(builder) : NULL;
}

void run_set_cgroup(Run *run, char *folder)
{
    g_free(run->condition.cgroup);
    g_strfreev(run->condition.unenforced);
    run->condition.cgroup = folder;
    run->condition.unenforced = find_unenforced(run);
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
        g_warning("run %s is looked at twice a second: %s", run->record->run_id, error->message);
        run->poll_source = g_timeout_add(POLL_MSEC, on_poll, run);
    }
    follow_cgroup(run);
    run->head = log_reader_new(run->log, 0, NULL);
    run->unit_watch = systemd_watch_gone(run->systemd, run->record->unit, on_unit_gone, run);
    if (run->shim.pidfd >= 0)
        run->shim_source = g_unix_fd_add(run->shim.pidfd, G_IO_IN, on_shim_gone, run);
    else
        run->shim_gone = TRUE;
    schedule_pump(run);
}

/* --- The end --- */

static void end_log(Run *run, RunResult *result)
{
    g_autoptr(Run) keep = run_ref(run);
    g_autoptr(GError) error = NULL;
    run_set_phase(run, RUN_ENDED);
    run->result = result;
    if (!run_result_save(result, TRUE, run->folder_fd, &error))
        g_warning("keeping the result of run %s: %s", run->record->run_id, error->message);
    fault_point("result");
    run_log_end(run->log, result);
    release_live(run);
    run->keeper->ended(run, run->keeper_data);
    /* Sinks that still read have references of their own. */
    g_clear_pointer(&run->log, run_log_unref);
}

static void finish_with_result(Run *run)
{
    RunLogState state;
    RunExit exit;
    run_log_get_state(run->log, &state);
    gboolean has_exit = run_exit_read(run->folder_fd, &exit);
    if (has_exit) /* a transcript that lost its end to a power cut has no more than it has */
        exit.bytes = MIN(exit.bytes, state.readable);
    end_log(run, run_result_decide(run->record, has_exit ? &exit : NULL, run->stop_requested,
                                   &run->facts, state.transcript_fd));
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

/* No shim writes any more: its last line needs no newline. */
static void complete_log(Run *run)
{
    RunExit exit;
    gboolean has_exit = run_exit_read(run->folder_fd, &exit);
    if (has_exit)
        take_started_from_exit(run, &exit);
    run_log_complete(run->log, has_exit ? exit.bytes : G_MAXUINT64);
}

/* The head reads what is left, and finish_with_result() follows. */
static void finish(Run *run)
{
    refresh(run);
    complete_log(run);
    run->over = TRUE;
    g_clear_handle_id(&run->pump_source, g_source_remove);
    schedule_pump(run);
}

/* Whoever has the cursor of a last line without a newline got it from a service before this one. */
void run_look_back(Run *run)
{
    gboolean has_shim = shim_is_alive(run->folder_fd);
    refresh(run);
    if (!has_shim)
        complete_log(run);
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
    run->condition.frozen = FALSE; /* the shim thaws what it is to end */
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

void run_kill(Run *run)
{
    if (run->condition.cgroup)
        cgroup_kill(run->condition.cgroup);
    systemd_stop_unit(run->systemd, run->record->unit);
}

gboolean run_check_running(const Run *run, GError **error)
{
    if (run->phase == RUN_RUNNING)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                run->phase == RUN_ENDED
                    ? "agent '%s' on story '%s' has ended (%s): start it anew first"
                    : "agent '%s' on story '%s' is %s: its program does not run yet",
                run->record->agent, run->record->story, run_get_status(run));
    return FALSE;
}

/* Halted, it could not use its grace: the shim has thawed it for that. */
static gboolean check_not_stopping(const Run *run, GError **error)
{
    if (!run->stop_requested)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                "agent '%s' on story '%s' is being stopped: it can't be frozen any more",
                run->record->agent, run->record->story);
    return FALSE;
}

/* Systemd has not told yet. */
static gboolean check_has_cgroup(const Run *run, GError **error)
{
    if (run->condition.cgroup)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                "the service has just come back and still looks for the processes of agent '%s' on "
                "story '%s': try again in a moment",
                run->record->agent, run->record->story);
    return FALSE;
}

/* At the moment of its end there is nothing to freeze. */
static void name_end(const Run *run, const char *cgroup, GError **error)
{
    if (g_file_test(cgroup, G_FILE_TEST_EXISTS))
        return;
    g_clear_error(error);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                "agent '%s' on story '%s' has just ended", run->record->agent, run->record->story);
}

gboolean run_set_frozen(Run *run, gboolean frozen, GError **error)
{
    if (!run_check_running(run, error) || (frozen && !check_not_stopping(run, error)) ||
        !check_has_cgroup(run, error))
        return FALSE;
    g_autofree char *agent = agent_cgroup(run);
    if (!cgroup_set_frozen(agent, frozen, error)) {
        name_end(run, agent, error);
        return FALSE;
    }
    if (frozen == run->condition.frozen)
        return TRUE;
    run->condition.frozen = frozen;
    note(run, frozen ? NOTE_FROZEN : NOTE_THAWED);
    return TRUE;
}

/* --- What it shows --- */

gboolean run_save_unlisted(const Run *run, GError **error)
{
    return run_result_save(run->result, FALSE, run->folder_fd, error);
}

RunLog *run_open_log(Run *run, GError **error)
{
    if (run->log)
        return run_log_ref(run->log);
    g_autoptr(RunLog) log = run_log_new(run->record);
    run_log_refresh(log, run->folder_fd);
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
    return run_get_facts(run)->session_id;
}

/* How far sinks had come: the head of a run that was just found is still behind that. */
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
