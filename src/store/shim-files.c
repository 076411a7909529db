/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/shim-files.h"

#include "base/json-file.h"
#include "base/util.h"
#include "store/shim-protocol.h"

static const char *known_reason(const char *reason)
{
    static const char *const reasons[] = {
        SHIM_REASON_EXITED,     SHIM_REASON_STOPPED, SHIM_REASON_RUNTIME, SHIM_REASON_IDLE,
        SHIM_REASON_RESULT,     SHIM_REASON_OUTSIDE, SHIM_REASON_SETUP,   SHIM_REASON_EXEC,
        SHIM_REASON_UNANSWERED, SHIM_REASON_LEASE};
    for (gsize i = 0; reason && i < G_N_ELEMENTS(reasons); i++)
        if (g_str_equal(reason, reasons[i]))
            return reasons[i];
    return NULL;
}

/* NULL where the program itself could not be executed. */
static const char *known_step(const char *step)
{
    static const struct {
        const char *step, *what;
    } known[] = {
        {"cwd", "its folder"},
        {"stdin", "its input"},
        {"setup-record", "its setup record"},
        {"cgroup", "its cgroup"},
    };
    if (!step || g_str_equal(step, "exec"))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(step, known[i].step))
            return known[i].what;
    return "its process";
}

static JsonObject *read_shim_file(int folder_fd, const char *name, GError **error)
{
    g_autoptr(GError) cause = NULL;
    JsonObject *object = json_file_read(folder_fd, name, &cause);
    if (object || g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return object;
    if (error && error_is_shortage(cause))
        g_propagate_error(error, g_steal_pointer(&cause));
    else
        g_warning("reading a file of the shim: %s", cause->message);
    return NULL;
}

int run_exit_code_get(JsonObject *object)
{
    guint64 code = json_get_uint(object, "exit_code", G_MAXINT);
    return code > 255 ? -1 : (int)code;
}

static void parse_started(JsonObject *object, RunStarted *ret)
{
    *ret = (RunStarted){
        .shim_pid = (pid_t)json_get_uint(object, "shim_pid", 0),
        .agent_pid = (pid_t)json_get_uint(object, "agent_pid", 0),
        .offset = json_get_uint(object, "offset", 0),
        .time = json_get_uint(object, "time", 0),
        .failed = known_reason(json_get_string(object, "failed")),
        .step = known_step(json_get_string(object, "step")),
        .failed_errno = (int)json_get_uint(object, "errno", 0),
        .setup = (guint)json_get_uint(object, "setup", 0),
        .exit_code = run_exit_code_get(object),
        .exit_signal = (int)json_get_uint(object, "exit_signal", 0),
    };
}

gboolean run_started_read(int folder_fd, RunStarted *ret_started, GError **error)
{
    g_autoptr(JsonObject) object = read_shim_file(folder_fd, "started", error);
    if (!object)
        return FALSE;
    parse_started(object, ret_started);
    return TRUE;
}

gboolean run_exit_read(int folder_fd, RunExit *ret_exit, GError **error)
{
    g_autoptr(JsonObject) object = read_shim_file(folder_fd, "exit.json", error);
    if (!object)
        return FALSE;
    const char *reason = known_reason(json_get_string(object, "reason"));
    *ret_exit = (RunExit){
        .reason = reason ? reason : SHIM_REASON_EXITED,
        .exit_code = run_exit_code_get(object),
        .exit_signal = (int)json_get_uint(object, "exit_signal", 0),
        .agent_started = json_get_uint(object, "started", 0),
        .ended = json_get_uint(object, "ended", 0),
        .offset = json_get_uint(object, "offset", 0),
        .bytes = json_get_uint(object, "bytes", 0),
        .lost = json_get_uint(object, "lost", 0),
        .left_behind = json_get_uint(object, "left_behind", 0),
        .oom_kills = json_get_uint(object, "oom_kills", 0),
        .memory_peak = json_get_uint(object, "memory_peak", 0),
        .cpu_usec = json_get_uint(object, "cpu_usec", 0),
    };
    parse_started(object, &ret_exit->started);
    return TRUE;
}
