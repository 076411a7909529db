/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/run-internal.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/util.h"
#include "host/cgroup.h"
#include "run/unfinished-line.h"
#include "store/answers.h"

/* After how long without output a line without its newline is shown: it may be a question. */
#define QUIET_MSEC 1000

const RunCondition *run_get_condition(const Run *run)
{
    return &run->condition;
}

void run_keep_figures(Run *run, const RunFigures *figures)
{
    run->condition.figures = *figures;
}

gboolean run_set_queue_position(Run *run, guint position)
{
    gboolean changed = run->condition.queue_position != position;
    run->condition.queue_position = position;
    return changed;
}

gboolean run_set_limit(Run *run, guint64 until)
{
    gboolean changed = run->condition.limit_until != until;
    run->condition.limit_until = until;
    return changed;
}

gboolean run_set_budget(Run *run, BudgetState state, double spent_usd)
{
    if (run->condition.budget == state)
        return FALSE;
    run->condition.budget = state;
    run->condition.budget_spent_usd = spent_usd;
    return TRUE;
}

void run_ignore_limits(Run *run, const char *prompt)
{
    run->record->hurries = TRUE;
    if (!prompt)
        return;
    g_free(run->record->options->prompt);
    run->record->options->prompt = g_strdup(prompt);
}

gboolean run_is_to_be_resumed(const Run *run)
{
    return run->result && run->result->limited && run->record->waits_out_limits &&
           run->record->attempt < run->record->limit_retries;
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

/* --- Notes --- */

const char *run_note_to_status(RunNote note)
{
    static const char *const statuses[] = {
        [NOTE_FROZEN] = "frozen",
        [NOTE_THAWED] = "running",
        [NOTE_DISK_FULL] = "disk_full",
        [NOTE_DISK_ROOM] = "running",
        [NOTE_WAITING] = "waiting",
        [NOTE_ANSWERED] = "running",
        [NOTE_LIMITED] = "waiting",
        [NOTE_UNLIMITED] = "running",
        [NOTE_OOM_KILL] = "oom_kill",
        [NOTE_BUDGET_LOW] = "budget_low",
        [NOTE_BUDGET_SPENT] = "budget_spent",
    };
    return statuses[note];
}

static void describe_question(GVariantDict *dict, const GPtrArray *open)
{
    const AgentQuestion *newest = open->pdata[open->len - 1];
    g_variant_dict_insert(dict, "waiting", "s", agent_question_kind_to_string(newest->kind));
    g_variant_dict_insert(dict, "question", "s", newest->id);
}

static GVariant *describe_budget(const Run *run, const char *status)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&dict, "status", "s", status);
    g_variant_dict_insert(&dict, "budget_usd", "d", run->record->budget_usd);
    g_variant_dict_insert(&dict, "budget_spent_usd", "d", run->condition.budget_spent_usd);
    return g_variant_dict_end(&dict);
}

GVariant *run_status_details(const Run *run, const char *status)
{
    const RunCondition *condition = &run->condition;
    if (g_str_has_prefix(status, "budget_"))
        return describe_budget(run, status);
    if (!g_str_equal(status, "waiting") ||
        !(condition->questions || condition->limit_until || condition->stalled))
        return NULL;
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&dict, "status", "s", status);
    if (condition->questions)
        describe_question(&dict, condition->questions);
    else
        g_variant_dict_insert(&dict, "waiting", "s", "limit");
    if (condition->limit_until)
        g_variant_dict_insert(&dict, "retry_at", "t", condition->limit_until);
    return g_variant_dict_end(&dict);
}

static void note(Run *run, RunNote what)
{
    run->keeper->noted(run, what, run->keeper_data);
}

void run_check_held(Run *run)
{
    RunLogState state;
    run_log_get_state(run->log, &state);
    if (state.held == run->condition.held)
        return;
    run->condition.held = state.held;
    note(run, run->condition.held ? NOTE_DISK_FULL : NOTE_DISK_ROOM);
}

/* The scope's figure includes the cgroups below it, so the agent's own, too. */
static guint64 count_oom_kills(const Run *run)
{
    return cgroup_get_keyed(run->condition.cgroup, "memory.events", "oom_kill", 0);
}

static void check_oom_kills(Run *run)
{
    guint64 kills = count_oom_kills(run);
    if (kills <= run->condition.oom_kills)
        return;
    run->condition.oom_kills = kills;
    note(run, NOTE_OOM_KILL);
}

/* The shim lives beside the agent's own cgroup and continues to read the terminal. */
static char *agent_cgroup(const Run *run)
{
    return g_build_filename(run->condition.cgroup, "agent", NULL);
}

/* By us the agent's own cgroup is, and by `systemctl --user freeze` the scope's or a slice's. */
static gboolean is_frozen(const Run *run)
{
    g_autofree char *agent = agent_cgroup(run);
    return cgroup_get_uint(agent, "cgroup.freeze", 0) != 0 ||
           cgroup_is_frozen(run->condition.cgroup);
}

static void take_frozen(Run *run, gboolean frozen)
{
    if (frozen == run->condition.frozen)
        return;
    run->condition.frozen = frozen;
    note(run, frozen ? NOTE_FROZEN : NOTE_THAWED);
}

static void on_cgroup_changed(gpointer data)
{
    Run *run = data;
    check_oom_kills(run);
    if (run->phase == RUN_RUNNING && !run->stop_requested)
        take_frozen(run, is_frozen(run));
}

/* A shim that stands still hears of no stop. */
void run_thaw_scope(Run *run)
{
    const char *cgroup = run->condition.cgroup;
    if (!cgroup || cgroup_get_uint(cgroup, "cgroup.freeze", 0) == 0)
        return;
    cgroup_set_frozen(cgroup, FALSE, NULL);
    systemd_thaw_unit(run->systemd, run->record->unit);
}

void run_follow_cgroup(Run *run)
{
    autofd fd = run->condition.cgroup
                    ? open(run->condition.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                    : -1;
    if (fd < 0)
        return;
    run->condition.frozen = is_frozen(run);
    run->condition.oom_kills = count_oom_kills(run);
    run->memory_events_fd = openat(fd, "memory.events", O_RDONLY | O_CLOEXEC);
    run->cgroup_events_fd = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    run->cgroup_watch_id = folder_watch_add(run->folder_watch, fd, on_cgroup_changed, run, NULL);
}

/* --- The unfinished line --- */

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

/* The head has read all whole lines. Waits only once for the output after them: an idle pool makes
 * no wake-ups. */
void run_watch_for_quiet(Run *run, guint64 bytes)
{
    if (bytes == run->quiet_bytes)
        return;
    run->quiet_bytes = bytes;
    g_clear_handle_id(&run->quiet_source, g_source_remove);
    if (log_reader_backlog(run->head) > 0)
        run->quiet_source = g_timeout_add(QUIET_MSEC, on_quiet, run);
    set_unfinished_line(run, NULL);
}

/* --- Its questions --- */

/* Asked, and not answered: NULL where there is none. */
static GPtrArray *find_open_questions(const Run *run)
{
    const GPtrArray *asked = run->facts.questions;
    g_autoptr(GPtrArray) open =
        g_ptr_array_new_with_free_func((GDestroyNotify)agent_question_unref);
    for (guint i = 0; asked && i < asked->len; i++) {
        AgentQuestion *question = asked->pdata[i];
        if (!answer_is_kept(run->folder_fd, question->id))
            g_ptr_array_add(open, agent_question_ref(question));
    }
    return open->len > 0 ? g_steal_pointer(&open) : NULL;
}

/* The newest one is the last. */
static gboolean has_new(const GPtrArray *open, const GPtrArray *before)
{
    return open &&
           (!before || !g_ptr_array_find((GPtrArray *)before, open->pdata[open->len - 1], NULL));
}

static void check_questions(Run *run, gboolean first)
{
    if (run->record->permission != PERMISSION_ASK)
        return;
    g_autoptr(GPtrArray) before = g_steal_pointer(&run->condition.questions);
    GPtrArray *open = run->condition.questions = find_open_questions(run);
    if (has_new(open, before))
        note(run, NOTE_WAITING);
    else if (before && !open)
        note(run, NOTE_ANSWERED);
    else if (first || (open && open->len != before->len))
        run->keeper->changed(run, run->keeper_data);
}

/* --- All that it waits for --- */

static void check_stalled(Run *run)
{
    gboolean stalled = run->facts.stalled && run->phase == RUN_RUNNING;
    if (stalled == run->condition.stalled)
        return;
    run->condition.stalled = stalled;
    note(run, stalled ? NOTE_LIMITED : NOTE_UNLIMITED);
}

/* The time that it waits does not count: the shim is told. */
static gboolean is_waiting(const Run *run)
{
    return run->condition.questions || run->condition.stalled;
}

void run_check_waiting(Run *run)
{
    gboolean first = !run->condition.caught_up;
    gboolean waited = is_waiting(run);
    run->condition.caught_up = TRUE;
    check_questions(run, first);
    check_stalled(run);
    if (first || waited != is_waiting(run)) /* an earlier service may have told it otherwise */
        shim_send_waiting(run->folder_fd, is_waiting(run));
}

/* --- Halting it --- */

gboolean run_check_running(const Run *run, GError **error)
{
    if (run->phase == RUN_RUNNING)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                run->phase == RUN_ENDED
                    ? "agent '%s' on story '%s' has ended (%s): start it again first"
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
                "agent '%s' on story '%s' is being stopped: it can no longer be frozen",
                run->record->agent, run->record->story);
    return FALSE;
}

/* systemd has not answered yet. */
static gboolean check_has_cgroup(const Run *run, GError **error)
{
    if (run->condition.cgroup)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                "the service has just restarted and is still looking for the processes of "
                "agent '%s' on story '%s': try again in a moment",
                run->record->agent, run->record->story);
    return FALSE;
}

/* Only who froze a slice knows why. */
static gboolean check_not_frozen_above(const Run *run, GError **error)
{
    g_autofree char *slice = cgroup_find_frozen_above(run->condition.cgroup);
    if (!slice)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_SCOPE_FAILED,
                "%s is frozen, and agents in it with it: `systemctl --user thaw %s` thaws them",
                slice, slice);
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
        !check_has_cgroup(run, error) || (!frozen && !check_not_frozen_above(run, error)))
        return FALSE;
    g_autofree char *agent = agent_cgroup(run);
    if (!cgroup_set_frozen(agent, frozen, error)) {
        name_end(run, agent, error);
        return FALSE;
    }
    if (!frozen)
        run_thaw_scope(run);
    take_frozen(run, frozen);
    return TRUE;
}
