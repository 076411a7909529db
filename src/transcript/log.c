/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/util.h"
#include "store/messages.h"

struct RunLog {
    gatomicrefcount references;
    RunIdentity identity;
    guint64 created;

    GMutex lock; /* over all that follows */
    const AgentKind *kind;
    RunLogState state;
    gboolean has_started_record;
    RunStarted started;
    RunResult *result;
};

RunLog *run_log_new(const RunRecord *record)
{
    RunLog *log = g_new0(RunLog, 1);
    g_atomic_ref_count_init(&log->references);
    g_mutex_init(&log->lock);
    log->identity = (RunIdentity){
        .project_root = g_strdup(record->project_root),
        .story = g_strdup(record->story),
        .agent = g_strdup(record->agent),
        .run_id = g_strdup(record->run_id),
    };
    log->kind = record->kind;
    log->created = record->created;
    log->state = (RunLogState){
        .transcript_fd = -1,
        .times_fd = -1,
        .history_end = record->options && record->options->resume ? G_MAXUINT64 : 0,
    };
    return log;
}

RunLog *run_log_ref(RunLog *log)
{
    g_atomic_ref_count_inc(&log->references);
    return log;
}

void run_log_unref(RunLog *log)
{
    if (!log || !g_atomic_ref_count_dec(&log->references))
        return;
    g_free(log->identity.project_root);
    g_free(log->identity.story);
    g_free(log->identity.agent);
    g_free(log->identity.run_id);
    fd_clear(&log->state.transcript_fd);
    fd_clear(&log->state.times_fd);
    g_clear_pointer(&log->result, run_result_unref);
    g_mutex_clear(&log->lock);
    g_free(log);
}

const RunIdentity *run_log_identity(const RunLog *log)
{
    return &log->identity;
}

void run_log_set_kind(RunLog *log, const AgentKind *kind)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&log->lock);
    log->kind = kind;
}

const AgentKind *run_log_kind(RunLog *log)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&log->lock);
    return log->kind;
}

guint64 run_log_created(const RunLog *log)
{
    return log->created;
}

void run_log_get_state(RunLog *log, RunLogState *ret_state)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&log->lock);
    *ret_state = log->state;
}

gboolean run_log_get_started(RunLog *log, RunStarted *ret_started)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&log->lock);
    if (log->has_started_record)
        *ret_started = log->started;
    return log->has_started_record;
}

/* What is not there, or no regular file, is nothing to wait for. */
static gboolean open_file(int *fd, int folder_fd, const char *name, GError **error)
{
    if (*fd >= 0 || (*fd = open_regular(folder_fd, name, O_RDONLY)) >= 0 ||
        !errno_is_shortage(errno))
        return TRUE;
    set_errno_error(error, errno, "opening the run's %s", name);
    return FALSE;
}

static gboolean open_files(RunLogState *state, int folder_fd, GError **error)
{
    return open_file(&state->transcript_fd, folder_fd, "transcript", error) &&
           (state->transcript_fd < 0 || open_file(&state->times_fd, folder_fd, "times", error));
}

static void place_start(RunLogState *state, const RunStarted *started)
{
    if (started->failed)
        return;
    state->started = TRUE;
    state->agent_offset = started->offset;
    state->started_time = started->time;
}

gboolean run_log_refresh(RunLog *log, int folder_fd, GError **error)
{
    /* Only this thread writes, so reading without the lock is fine here, and no reader waits for
     * our system calls. */
    RunLogState state = log->state;
    if (state.complete)
        return FALSE;
    gboolean opened = open_files(&state, folder_fd, error);

    /* The size first, `started` after it: the shim writes `started` before the first byte of the
     * agent, so while there is no `started`, all bytes counted are certainly setup's output. */
    struct stat st;
    if (state.transcript_fd >= 0 && fstat(state.transcript_fd, &st) == 0) {
        state.readable = MAX(state.readable, (guint64)st.st_size);
        state.held = (st.st_mode & S_IWUSR) == 0;
    }

    /* After the size: the agent's answer to the run's prompt comes after the note of its place. */
    if (log->kind->reply && state.history_end == G_MAXUINT64)
        state.history_end = history_end_read(folder_fd);

    RunStarted started = {0};
    gboolean new_record =
        !log->has_started_record && run_started_read(folder_fd, &started, opened ? error : NULL);
    if (new_record)
        place_start(&state, &started);

    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&log->lock);
    gboolean more = new_record || state.readable > log->state.readable;
    log->state = state;
    if (new_record) {
        log->has_started_record = TRUE;
        log->started = started;
    }
    return more;
}

void run_log_set_started(RunLog *log, const RunStarted *started)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&log->lock);
    log->has_started_record = TRUE;
    log->started = *started;
    place_start(&log->state, started);
}

void run_log_complete(RunLog *log, guint64 bytes)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&log->lock);
    /* Bytes that others appended do not belong to the run, and a transcript that others cut has no
     * more than its size. */
    log->state.readable = MIN(bytes, log->state.readable);
    /* The agent's output begins at the end at the latest, or its last event would wait. */
    log->state.agent_offset = MIN(log->state.agent_offset, log->state.readable);
    log->state.complete = TRUE;
}

void run_log_end(RunLog *log, RunResult *result)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&log->lock);
    g_assert(log->state.complete && !log->result);
    log->result = run_result_ref(result);
    log->state.result = result;
}
