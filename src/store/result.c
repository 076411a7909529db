/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/result.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json-file.h"
#include "base/line-clean.h"
#include "base/util.h"
#include "store/shim-protocol.h"
#include "store/usage-json.h"

#define SUMMARY_FORMAT 1

/* How much of the terminal's last output goes into an error. */
#define TAIL_BYTES 8192
#define TAIL_LINES 5

static guint64 file_size(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 ? (guint64)st.st_size : 0;
}

/* The transcript's last whole lines, and the one without an end. Caller frees. */
static char **read_last_lines(int transcript_fd)
{
    char bytes[TAIL_BYTES + 1];
    guint64 size = file_size(transcript_fd);
    guint64 from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    ssize_t n = size > 0 ? pread(transcript_fd, bytes, (gsize)(size - from), (off_t)from) : 0;
    bytes[MAX(n, 0)] = '\0';
    const char *first = from > 0 ? strchr(bytes, '\n') : bytes;
    return g_strsplit(first ? first : "", "\n", -1);
}

/* JSON, or a place in a stack trace. */
static gboolean is_for_machines(const char *line)
{
    return strchr("{}", *line) || g_str_has_prefix(line, "at ");
}

/* The last lines before the end of the transcript, as a person would see them. */
static char *read_tail(int transcript_fd)
{
    g_auto(GStrv) lines = read_last_lines(transcript_fd);
    g_autoptr(GPtrArray) last = g_ptr_array_new_with_free_func(g_free);
    for (guint i = g_strv_length(lines); i > 0 && last->len < TAIL_LINES; i--) {
        gsize length;
        g_autofree char *clean = line_clean(lines[i - 1], strlen(lines[i - 1]), &length);
        if (length > 0 && !is_for_machines(clean))
            g_ptr_array_insert(last, 0, g_steal_pointer(&clean));
    }
    g_ptr_array_add(last, NULL);
    return g_strjoinv("\n", (char **)last->pdata);
}

/* @what, and the last lines where there are any. Takes @what. */
static char *with_last_lines(char *what, int transcript_fd)
{
    g_autofree char *tail = read_tail(transcript_fd);
    if (!*tail)
        return what;
    char *words = g_strdup_printf("%s; its last lines:\n%s", what, tail);
    g_free(what);
    return words;
}

static char *describe_status(int exit_code, int exit_signal)
{
    if (exit_signal > 0) {
        const char *name = sigabbrev_np(exit_signal);
        return name ? g_strdup_printf("killed by SIG%s", name)
                    : g_strdup_printf("killed by signal %d", exit_signal);
    }
    return g_strdup_printf("exit status %d", exit_code);
}

static char *describe_setup_failure(const RunRecord *record, const RunStarted *started,
                                    int transcript_fd)
{
    guint at = 2 * started->setup;
    gboolean known = at + 1 < g_strv_length(record->setup);
    const char *folder = known ? record->setup[at] : "?";
    const char *command = known ? record->setup[at + 1] : "?";
    if (started->failed_errno != 0)
        return g_strdup_printf(
            "setup command `%s` cannot be run in %s: %s (`path` of its component is "
            "relative to the worktree)",
            command, folder, g_strerror(started->failed_errno));
    g_autofree char *status = describe_status(started->exit_code, started->exit_signal);
    return with_last_lines(g_strdup_printf("setup command `%s` failed: %s", command, status),
                           transcript_fd);
}

static char *describe_exec_failure(const RunRecord *record, const RunStarted *started)
{
    const char *program = record->argv && record->argv[0] ? record->argv[0] : "?";
    if (started->step)
        return g_strdup_printf("%s could not be set up for agent '%s': %s", started->step,
                               record->agent, g_strerror(started->failed_errno));
    if (started->failed_errno == ENOENT && !strchr(program, '/') && record->environment_problem)
        return g_strdup_printf(
            "program '%s' not found on the PATH of the service, which is used because %s; "
            "fix that, or set `command` of agent '%s' to its path",
            program, record->environment_problem, record->agent);
    if (started->failed_errno == ENOENT && !strchr(program, '/'))
        return g_strdup_printf("program '%s' not found on PATH: install it, or set `command` of "
                               "agent '%s' to its path",
                               program, record->agent);
    return g_strdup_printf("program '%s' cannot be executed: %s (`command` of agent '%s')", program,
                           g_strerror(started->failed_errno), record->agent);
}

/* Why a Start failed in its setup or exec: names the command, its status and its last lines, or the
 * program and its problem. */
static char *describe_start_failure(const RunRecord *record, const RunStarted *started,
                                    int transcript_fd)
{
    if (g_strcmp0(started->failed, SHIM_REASON_SETUP) == 0)
        return describe_setup_failure(record, started, transcript_fd);
    return describe_exec_failure(record, started);
}

static char *describe_lease(const Lease *lease)
{
    g_autofree char *process = lease ? lease_to_string(lease) : g_strdup("that process");
    return g_strdup_printf("stopped: it was to live as long as %s, which is gone", process);
}

/* The words for an end that was not the program's own doing, or NULL. */
static char *describe_forced_end(const RunRecord *record, const RunExit *exit)
{
    if (g_str_equal(exit->reason, SHIM_REASON_RUNTIME))
        return g_strdup_printf("ran longer than its runtime_max of %" G_GUINT64_FORMAT " s",
                               record->limits.runtime_max_usec / G_USEC_PER_SEC);
    if (g_str_equal(exit->reason, SHIM_REASON_IDLE))
        return g_strdup_printf("printed nothing for its idle_timeout of %" G_GUINT64_FORMAT " s",
                               record->limits.idle_timeout_usec / G_USEC_PER_SEC);
    if (g_str_equal(exit->reason, SHIM_REASON_UNANSWERED))
        return g_strdup_printf("nobody answered its question within its ask_timeout of "
                               "%" G_GUINT64_FORMAT " s",
                               record->ask_timeout_usec / G_USEC_PER_SEC);
    if (g_str_equal(exit->reason, SHIM_REASON_LEASE))
        return describe_lease(record->options->lease);
    if (g_str_equal(exit->reason, SHIM_REASON_OUTSIDE))
        return g_strdup("stopped from outside");
    return NULL;
}

static char *describe_out_of_memory(const RunExit *exit)
{
    if (exit->memory_peak == 0)
        return g_strdup("out of memory");
    g_autofree char *peak = g_format_size_full(exit->memory_peak, G_FORMAT_SIZE_IEC_UNITS);
    return g_strdup_printf("out of memory (peak %s)", peak);
}

/* Why a run failed that has said nothing of it in JSON, or NULL where it has not failed. */
static char *decide_error_without_words(const RunRecord *record, const RunExit *exit,
                                        const RunFacts *facts, int transcript_fd)
{
    if (exit->exit_signal != 0 || exit->exit_code != 0) {
        char *status = describe_status(exit->exit_code, exit->exit_signal);
        return facts->closed ? status : with_last_lines(status, transcript_fd);
    }
    if ((facts->opened || record->kind->reply) && !facts->closed)
        return with_last_lines(g_strdup("ended without a result"), transcript_fd);
    return NULL;
}

/* The contract's rule: NULL is `completed`, else why not. */
static char *decide_error(const RunRecord *record, const RunExit *exit, const RunFacts *facts,
                          int transcript_fd)
{
    if (exit->started.failed)
        return describe_start_failure(record, &exit->started, transcript_fd);
    if (g_str_equal(exit->reason, SHIM_REASON_RESULT) && facts->success)
        return NULL;

    char *forced = describe_forced_end(record, exit);
    if (forced)
        return forced;
    if (exit->exit_signal == SIGKILL && exit->oom_kills > 0)
        return describe_out_of_memory(exit);
    if (facts->closed && !facts->success)
        return g_strdup(facts->error ? facts->error : "the agent reported a failure");
    return decide_error_without_words(record, exit, facts, transcript_fd);
}

/* By itself, with a limit as the last that was heard of the model. */
static gboolean ended_by_limit(const RunExit *exit, const RunFacts *facts)
{
    return facts->retry_at > 0 && !exit->started.failed && exit->exit_signal == 0 &&
           (g_str_equal(exit->reason, SHIM_REASON_EXITED) ||
            g_str_equal(exit->reason, SHIM_REASON_RESULT));
}

/* Adds to its error what becomes of it. */
static void tell_of_limit(RunResult *result, const RunRecord *record)
{
    if (!record->waits_out_limits)
        return;
    g_autofree char *error = result->error;
    if (record->attempt >= record->limit_retries) {
        result->error = g_strdup_printf("%s; it has been resumed %u times after a limit "
                                        "(limit_retries), and is not again",
                                        error, record->attempt);
        return;
    }
    g_autoptr(GDateTime) utc =
        g_date_time_new_from_unix_utc((gint64)(result->facts.retry_at / G_USEC_PER_SEC));
    g_autoptr(GDateTime) local = utc ? g_date_time_to_local(utc) : NULL;
    g_autofree char *time = local ? g_date_time_format(local, "%F %H:%M") : g_strdup("?");
    result->error = g_strdup_printf("%s; it is resumed after %s (%u of %u)", error, time,
                                    record->attempt + 1, record->limit_retries);
}

/* A resume that the CLI refused: some print a new id that never existed as they fail. */
static void keep_asked_session(RunResult *result, const RunRecord *record)
{
    if (result->outcome == OUTCOME_COMPLETED || result->facts.assistant || !record->options->resume)
        return;
    g_free(result->facts.session_id);
    result->facts.session_id = g_strdup(record->options->resume);
}

/* If a CLI counts a session's whole past, that past is subtracted. */
static void take_session_usage(RunFacts *facts, const RunRecord *record)
{
    Usage own = facts->session;
    if (!usage_is_known(&own)) {
        /* Nothing was added to it where the CLI refused the session. */
        if (!facts->assistant)
            facts->session = record->session_before;
        return;
    }
    if (record->options->resume)
        usage_subtract(&own, &record->session_before);
    usage_replace(&facts->usage, &own);
}

RunResult *run_result_new(RunOutcome outcome, const char *error)
{
    RunResult *result = g_new0(RunResult, 1);
    g_atomic_ref_count_init(&result->references);
    result->outcome = outcome;
    result->error = g_strdup(error);
    result->exit_code = -1;
    result->ended = now_usec();
    return result;
}

static void take_exit(RunResult *result, const RunExit *exit)
{
    result->exit_code = exit->started.failed ? -1 : exit->exit_code;
    result->exit_signal = exit->started.failed ? 0 : exit->exit_signal;
    result->ended = exit->ended;
    result->bytes = exit->bytes;
    result->lost = exit->lost;
    result->memory_peak = exit->memory_peak;
    result->cpu_usec = exit->cpu_usec;
}

static void set_stopped(RunResult *result)
{
    result->outcome = OUTCOME_STOPPED;
    result->error = g_strdup("stopped");
}

static void decide_without_exit(RunResult *result, gboolean stop_requested, int transcript_fd)
{
    result->bytes = file_size(transcript_fd);
    if (stop_requested) {
        set_stopped(result);
        return;
    }
    result->outcome = OUTCOME_FAILED;
    result->error =
        g_strdup("its shim left no record of the end: it was killed, or the machine went down");
}

RunResult *run_result_decide(const RunRecord *record, const RunExit *exit, gboolean stop_requested,
                             const RunFacts *facts, int transcript_fd)
{
    RunResult *result = run_result_new(OUTCOME_COMPLETED, NULL);
    if (!exit) {
        decide_without_exit(result, stop_requested, transcript_fd);
    } else if (g_str_equal(exit->reason, SHIM_REASON_STOPPED)) {
        take_exit(result, exit);
        set_stopped(result);
    } else {
        take_exit(result, exit);
        result->error = decide_error(record, exit, facts, transcript_fd);
        result->outcome = result->error ? OUTCOME_FAILED : OUTCOME_COMPLETED;
    }
    run_facts_copy(facts, &result->facts);
    keep_asked_session(result, record);
    take_session_usage(&result->facts, record);
    result->limited = result->outcome == OUTCOME_FAILED && exit && ended_by_limit(exit, facts);
    if (result->limited)
        tell_of_limit(result, record);
    return result;
}

RunResult *run_result_ref(RunResult *result)
{
    g_atomic_ref_count_inc(&result->references);
    return result;
}

void run_result_unref(RunResult *result)
{
    if (!result || !g_atomic_ref_count_dec(&result->references))
        return;
    g_free(result->error);
    run_facts_clear(&result->facts);
    g_free(result);
}

const char *run_result_status(const RunResult *result)
{
    return result->outcome == OUTCOME_COMPLETED ? "completed" : "failed";
}

GVariant *run_result_event_data(const RunResult *result)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    if (result->outcome == OUTCOME_STOPPED) {
        g_variant_dict_insert(&dict, "status", "s", "stopped");
        return g_variant_dict_end(&dict);
    }
    if (result->exit_code >= 0)
        g_variant_dict_insert(&dict, "exit_code", "i", result->exit_code);
    if (result->outcome == OUTCOME_FAILED) {
        if (result->exit_signal > 0)
            g_variant_dict_insert(&dict, "exit_signal", "i", result->exit_signal);
        g_variant_dict_insert(&dict, "message", "s", result->error);
        return g_variant_dict_end(&dict);
    }
    if (result->facts.session_id)
        g_variant_dict_insert(&dict, "session_id", "s", result->facts.session_id);
    run_facts_add_totals(&result->facts, &dict);
    return g_variant_dict_end(&dict);
}

/* --- summary.json --- */

static const char *const outcome_names[] = {
    [OUTCOME_COMPLETED] = "completed",
    [OUTCOME_FAILED] = "failed",
    [OUTCOME_STOPPED] = "stopped",
};

static void add_facts(JsonBuilder *builder, const RunFacts *facts)
{
    json_add_string(builder, "session_id", facts->session_id);
    json_add_usage(builder, &facts->usage);
    json_builder_set_member_name(builder, "session_usage");
    json_builder_begin_object(builder);
    json_add_usage(builder, &facts->session);
    json_builder_end_object(builder);
    if (facts->retry_at)
        json_add_uint(builder, "retry_at", facts->retry_at);
}

static void read_facts(JsonObject *object, RunFacts *facts)
{
    facts->session_id = g_strdup(json_get_string(object, "session_id"));
    json_read_usage(object, &facts->usage);
    json_read_usage(json_get_object(object, "session_usage"), &facts->session);
    facts->retry_at = json_get_uint(object, "retry_at", 0);
}

gboolean run_result_save(const RunResult *result, gboolean listed, int folder_fd, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_add_uint(builder, "format", SUMMARY_FORMAT);
    json_add_string(builder, "outcome", outcome_names[result->outcome]);
    json_add_boolean(builder, "listed", listed);
    json_add_string(builder, "error", result->error);
    json_add_boolean(builder, "limited", result->limited);
    if (result->exit_code >= 0)
        json_add_uint(builder, "exit_code", (guint64)result->exit_code);
    if (result->exit_signal > 0)
        json_add_uint(builder, "exit_signal", (guint64)result->exit_signal);
    json_add_uint(builder, "ended", result->ended);
    json_add_uint(builder, "bytes", result->bytes);
    if (result->lost > 0)
        json_add_uint(builder, "lost", result->lost);
    json_add_uint(builder, "memory_peak", result->memory_peak);
    json_add_uint(builder, "cpu_usec", result->cpu_usec);
    add_facts(builder, &result->facts);
    json_builder_end_object(builder);
    return json_file_write(folder_fd, "summary.json", builder, FALSE, error);
}

static RunOutcome outcome_from_string(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(outcome_names); i++)
        if (g_strcmp0(name, outcome_names[i]) == 0)
            return (RunOutcome)i;
    return OUTCOME_FAILED;
}

RunResult *run_result_load(int folder_fd, gboolean *ret_listed, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(JsonObject) object = json_file_read(folder_fd, "summary.json", &local);
    if (!object) {
        if (!g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }

    RunResult *result = run_result_new(outcome_from_string(json_get_string(object, "outcome")),
                                       json_get_string(object, "error"));
    if (result->outcome != OUTCOME_COMPLETED && !result->error)
        result->error = g_strdup("unknown");
    result->limited = json_object_get_boolean_member_with_default(object, "limited", FALSE);
    result->exit_code = run_exit_code_get(object);
    result->exit_signal = (int)MIN(json_get_uint(object, "exit_signal", 0), 64);
    result->ended = json_get_uint(object, "ended", 0);
    result->bytes = json_get_uint(object, "bytes", 0);
    result->lost = json_get_uint(object, "lost", 0);
    result->memory_peak = json_get_uint(object, "memory_peak", 0);
    result->cpu_usec = json_get_uint(object, "cpu_usec", 0);
    read_facts(object, &result->facts);
    *ret_listed = json_object_get_boolean_member_with_default(object, "listed", TRUE);
    return result;
}
