/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <limits.h>
#include <string.h>

#include "error.h"
#include "names.h"
#include "pool-internal.h"
#include "pressure.h"
#include "prune.h"
#include "settings.h"
#include "util.h"

/* How often the memory pressure is looked at while it holds starts back: PSI's own average is one
 * over ten seconds. */
#define PRESSURE_SECONDS 2

typedef struct {
    const PoolListener *listener;
    gpointer data;
} Listening;

typedef struct {
    PoolReply reply;
    gpointer data;
} Pending;

/* --- Listeners --- */

void pool_add_listener(Pool *pool, const PoolListener *listener, gpointer data)
{
    Listening listening = {listener, data};
    g_array_append_val(pool->listeners, listening);
}

#define TELL(pool, member, ...)                                                                    \
    for (guint i_ = 0; i_ < (pool)->listeners->len; i_++) {                                        \
        const Listening *to_ = &g_array_index((pool)->listeners, Listening, i_);                   \
        if (to_->listener->member)                                                                 \
            to_->listener->member(__VA_ARGS__ to_->data);                                          \
    }

#define COMMA ,

void pool_notify_changed(Pool *pool, Run *run)
{
    TELL(pool, run_changed, run COMMA);
}

void pool_notify_counts(Pool *pool)
{
    TELL(pool, counts_changed, );
}

/* --- The runs --- */

static gboolean has_key(const Run *run, const char *root, const char *story, const char *agent)
{
    const RunRecord *record = run->record;
    return g_str_equal(record->story, story) && g_str_equal(record->agent, agent) &&
           g_str_equal(record->project_root, root);
}

Run *pool_lookup(Pool *pool, const char *root, const char *story, const char *agent)
{
    Run *newest = NULL;
    for (guint i = 0; i < pool->runs->len; i++) {
        Run *run = g_ptr_array_index(pool->runs, i);
        if (!has_key(run, root, story, agent))
            continue;
        if (run_is_live(run))
            return run;
        if (run->listed)
            newest = run;
    }
    return newest;
}

void pool_add_run(Pool *pool, Run *run)
{
    g_ptr_array_add(pool->runs, run_ref(run));
}

void pool_remove_run(Pool *pool, Run *run)
{
    g_autoptr(Run) keep = run_ref(run);
    run->listed = FALSE;
    if (g_ptr_array_remove(pool->runs, run))
        pool_notify_changed(pool, run);
}

/* A newer run of the same key: the ended ones are not shown any more. */
static void replace_older(Pool *pool, const Run *run)
{
    const RunRecord *record = run->record;
    for (guint i = pool->runs->len; i > 0; i--) {
        Run *other = g_ptr_array_index(pool->runs, i - 1);
        if (other != run && !run_is_live(other) &&
            has_key(other, record->project_root, record->story, record->agent))
            pool_remove_run(pool, other);
    }
}

void pool_make_visible(Pool *pool, Run *run)
{
    if (run->visible)
        return;
    run->visible = TRUE;
    replace_older(pool, run);
    pool_notify_changed(pool, run);
    if (run->cursors)
        pool_announce(pool, run);
}

void pool_announce(Pool *pool, Run *run)
{
    if (!run->visible || run->announced)
        return;
    run->announced = TRUE;
    TELL(pool, run_visible, run COMMA);
}

Start *pool_start_of(Pool *pool, const Run *run)
{
    for (guint i = 0; i < pool->starts->len; i++) {
        Start *start = g_ptr_array_index(pool->starts, i);
        if (start_get_run(start) == run)
            return start;
    }
    return NULL;
}

static gboolean same_story(const Run *a, const Run *b)
{
    return a != b && run_is_live(a) && g_str_equal(a->record->story, b->record->story) &&
           g_str_equal(a->record->project_root, b->record->project_root);
}

gboolean pool_story_is_shared(Pool *pool, const Run *run)
{
    for (guint i = 0; i < pool->runs->len; i++) {
        const Run *other = g_ptr_array_index(pool->runs, i);
        if (same_story(other, run) && (other->phase == RUN_SETUP || other->phase == RUN_RUNNING))
            return TRUE;
    }
    return FALSE;
}

gboolean pool_story_is_preparing(Pool *pool, const Run *run)
{
    for (guint i = 0; i < pool->runs->len; i++) {
        const Run *other = g_ptr_array_index(pool->runs, i);
        Start *start = same_story(other, run) ? pool_start_of(pool, other) : NULL;
        if (start && start_is_at_worktree(start))
            return TRUE;
    }
    return FALSE;
}

guint pool_count_running(const Pool *pool)
{
    guint count = 0;
    for (guint i = 0; i < pool->runs->len; i++) {
        const Run *run = g_ptr_array_index(pool->runs, i);
        if (run_is_live(run) && run->phase != RUN_QUEUED)
            count++;
    }
    return count;
}

guint pool_count_queued(const Pool *pool)
{
    return pool->queue.length;
}

static void renumber_queue(Pool *pool)
{
    guint position = 0;
    for (GList *link = pool->queue.head; link; link = link->next) {
        Run *run = start_get_run(link->data);
        if (run->queue_position == ++position)
            continue;
        run->queue_position = position;
        pool_notify_changed(pool, run);
    }
}

/* Looks again only while somebody waits: an idle pool makes no wake-ups. */
static gboolean on_pressure_timer(gpointer user_data)
{
    Pool *pool = user_data;
    pool->pressure_timer = 0;
    pool_advance(pool);
    return G_SOURCE_REMOVE;
}

gboolean pool_has_room(Pool *pool)
{
    return pool_count_running(pool) < pool->settings.max_agents &&
           (pool->settings.memory_pressure == 0 ||
            pressure_get_memory() < pool->settings.memory_pressure);
}

static void admit_queued(Pool *pool)
{
    /* A queued run is admitted once its folder is written. */
    while (pool->queue.length > 0 && !pool->shutting_down && pool_has_room(pool) &&
           start_is_admissible(g_queue_peek_head(&pool->queue)))
        start_admit(g_queue_pop_head(&pool->queue));
    renumber_queue(pool);
    if (pool->queue.length > 0 && pool->settings.memory_pressure > 0 && pool->pressure_timer == 0)
        pool->pressure_timer = g_timeout_add_seconds(PRESSURE_SECONDS, on_pressure_timer, pool);
}

/* The Starts there are, for a walk in which some may finish. */
static GPtrArray *snapshot_starts(const Pool *pool)
{
    GPtrArray *starts = g_ptr_array_new();
    g_ptr_array_extend(starts, pool->starts, NULL, NULL);
    return starts;
}

static void retry_waiting(Pool *pool)
{
    g_autoptr(GPtrArray) starts = snapshot_starts(pool);
    for (guint i = 0; i < starts->len; i++)
        if (g_ptr_array_find(pool->starts, g_ptr_array_index(starts, i), NULL))
            start_retry(g_ptr_array_index(starts, i));
}

void pool_advance(Pool *pool)
{
    retry_waiting(pool);
    admit_queued(pool);
    pool_notify_counts(pool);
}

gboolean pool_is_idle(const Pool *pool)
{
    return pool_count_running(pool) == 0 && pool->queue.length == 0 && pool->starts->len == 0 &&
           work_queue_is_idle(pool->work);
}

/* --- Waiting for an end --- */

static void add_pending(GHashTable *table, Run *run, PoolReply reply, gpointer data)
{
    GArray *pendings = g_hash_table_lookup(table, run);
    if (!pendings) {
        pendings = g_array_new(FALSE, FALSE, sizeof(Pending));
        g_hash_table_insert(table, run_ref(run), pendings);
    }
    Pending pending = {reply, data};
    g_array_append_val(pendings, pending);
}

static GArray *take_pending(GHashTable *table, Run *run)
{
    g_autoptr(Run) key = NULL;
    GArray *pendings = NULL;
    g_hash_table_steal_extended(table, run, (gpointer *)&key, (gpointer *)&pendings);
    return pendings;
}

void pool_answer_waiters(Pool *pool, Run *run)
{
    g_autoptr(GArray) waiters = take_pending(pool->waiters, run);
    g_autoptr(GArray) stoppers = take_pending(pool->stoppers, run);
    g_autoptr(GVariant) info = g_variant_ref_sink(run_get_info(run));
    g_autoptr(GError) undone = NULL;
    if (!run->result)
        g_set_error(&undone, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN,
                    "run %s could not be started", run->record->run_id);

    for (guint i = 0; waiters && i < waiters->len; i++) {
        const Pending *pending = &g_array_index(waiters, Pending, i);
        pending->reply(undone ? NULL : info, undone, pending->data);
    }
    for (guint i = 0; stoppers && i < stoppers->len; i++) {
        const Pending *pending = &g_array_index(stoppers, Pending, i);
        pending->reply(NULL, NULL, pending->data);
    }
}

/* --- Retention --- */

typedef struct {
    Pool *pool;
    Settings settings;
    GPtrArray *gone;
} Prune;

static void prune_in_thread(gpointer data)
{
    Prune *prune = data;
    prune->gone = prune_runs(&prune->settings);
}

static void on_pruned(gpointer data)
{
    g_autofree Prune *prune = data;
    g_autoptr(GPtrArray) gone = prune->gone;
    prune->pool->pruning = FALSE;
    for (guint i = prune->pool->runs->len; i > 0; i--) {
        Run *run = g_ptr_array_index(prune->pool->runs, i - 1);
        if (g_ptr_array_find_with_equal_func(gone, run->record->run_id, g_str_equal, NULL))
            pool_remove_run(prune->pool, run);
    }
}

void pool_prune(Pool *pool)
{
    if (pool->pruning || pool->shutting_down)
        return;
    pool->pruning = TRUE;
    Prune *prune = g_new0(Prune, 1);
    *prune = (Prune){.pool = pool, .settings = pool->settings};
    work_queue_push(pool->work, "prune", prune_in_thread, on_pruned, prune);
}

/* --- What runs tell --- */

static void on_started(Run *run, gpointer data)
{
    Pool *pool = data;
    g_autoptr(Run) keep = run_ref(run);
    Start *start = pool_start_of(pool, run);
    if (start)
        start_on_started(start);
    pool_notify_changed(pool, run);
}

static void on_output(Run *run, gpointer data)
{
    Pool *pool = data;
    TELL(pool, run_output, run COMMA);
}

static void on_has_events(Run *run, gpointer data)
{
    Pool *pool = data;
    TELL(pool, run_has_events, run COMMA);
}

static void on_noted(Run *run, RunNote note, gpointer data)
{
    Pool *pool = data;
    TELL(pool, run_noted, run COMMA note COMMA);
    pool_notify_changed(pool, run);
}

static void on_gone(Run *run, gpointer data)
{
    Start *start = pool_start_of(data, run);
    if (!start || !start_is_undoing(start))
        run_finish(run);
}

/* Off the list, and so that a restart keeps it off. */
static void unlist(Pool *pool, Run *run)
{
    g_autoptr(GError) error = NULL;
    run->listed = FALSE;
    if (!run_result_save(run->result, FALSE, run->folder_fd, &error))
        g_warning("taking run %s off the list: %s", run->record->run_id, error->message);
    pool_remove_run(pool, run);
}

static void on_ended(Run *run, gpointer data)
{
    Pool *pool = data;
    g_autoptr(Run) keep = run_ref(run);
    pool_announce(pool, run);
    TELL(pool, run_output, run COMMA);
    TELL(pool, run_has_events, run COMMA);
    pool_notify_changed(pool, run);
    pool_answer_waiters(pool, run);
    if (run->result->outcome == OUTCOME_STOPPED || run->stop_requested)
        unlist(pool, run);
    /* Sinks that still read have references of their own. */
    g_clear_pointer(&run->log, run_log_unref);

    Start *start = pool_start_of(pool, run);
    if (start)
        start_on_ended(start);
    pool_advance(pool);
    pool_prune(pool);
}

const RunKeeper pool_run_keeper = {
    .started = on_started,
    .output = on_output,
    .has_events = on_has_events,
    .noted = on_noted,
    .gone = on_gone,
    .ended = on_ended,
};

/* --- Questions --- */

typedef struct {
    Pool *pool;
    PoolFound found;
    PoolReply reply;
    gpointer data;
    StartOptions *options;
} Question;

static const char *root_or_default(const Pool *pool, const char *root)
{
    return *root ? root : pool->project_root;
}

static gboolean check_root(const Pool *pool, const char *root, GError **error)
{
    if (*root || *pool->project_root)
        return TRUE;
    g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                        "project_root is empty and the property ProjectRoot is not set: pass the "
                        "path of a git repository");
    return FALSE;
}

void pool_resolve(Pool *pool, const char *root, const char *story, gboolean with_config,
                  TargetDone done, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (check_root(pool, root, &error))
        target_resolve(pool->work, root_or_default(pool, root), story, NULL, with_config, done,
                       data);
    else
        done(NULL, error, data);
}

static Run *find_checked(Pool *pool, const char *root, const char *story, const char *agent,
                         GError **error)
{
    Run *run = pool_lookup(pool, root, story, agent);
    if (!run)
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN,
                    "no run of agent '%s' on story '%s' in %s: List shows the runs there are",
                    agent, story, root);
    return run;
}

static void find_and_answer(Pool *pool, const char *root, const char *story, const char *agent,
                            PoolFound found, gpointer data)
{
    g_autoptr(GError) error = NULL;
    Run *run = find_checked(pool, root, story, agent, &error);
    g_autoptr(Run) keep = run ? run_ref(run) : NULL;
    found(keep, error, data);
}

static void on_find_target(Target *target_taken, const GError *error, gpointer data)
{
    g_autofree Question *question = data;
    g_autoptr(Target) target = target_taken;
    if (error)
        question->found(NULL, error, question->data);
    else
        find_and_answer(question->pool, target->root, target->story, target->agent, question->found,
                        question->data);
}

void pool_find(Pool *pool, const char *root, const char *story, const char *agent, PoolFound found,
               gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!check_root(pool, root, &error)) {
        found(NULL, error, data);
        return;
    }
    /* The usual case needs no disk; and it works for a project that is gone from it. */
    const char *path = root_or_default(pool, root);
    if (*agent && pool_lookup(pool, path, story, agent)) {
        find_and_answer(pool, path, story, agent, found, data);
        return;
    }
    Question *question = g_new0(Question, 1);
    *question = (Question){.pool = pool, .found = found, .data = data};
    target_resolve(pool->work, path, story, agent, FALSE, on_find_target, question);
}

/* "last": the session of the story's last run of this agent. */
static gboolean resolve_resume(Pool *pool, const Target *target, StartOptions *options,
                               GError **error)
{
    if (g_strcmp0(options->resume, "last") != 0)
        return TRUE;
    Run *run = pool_lookup(pool, target->root, target->story, target->agent);
    const char *session = run ? run_get_session(run) : NULL;
    if (!session) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "resume 'last': no earlier session of agent '%s' on story '%s' is known; pass "
                    "its id, or start without `resume`",
                    target->agent, target->story);
        return FALSE;
    }
    g_free(options->resume);
    options->resume = g_strdup(session);
    return TRUE;
}

static gboolean check_start(Pool *pool, const Target *target, StartOptions *options, GError **error)
{
    Run *run = pool_lookup(pool, target->root, target->story, target->agent);
    if (run && run_is_live(run)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_ALREADY_RUNNING,
                    "agent '%s' on story '%s' is %s (run %s): stop it first, or wait for its end",
                    target->agent, target->story, run_get_status(run), run->record->run_id);
        return FALSE;
    }
    if (pool->shutting_down) {
        g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                            "the service is going down: try again");
        return FALSE;
    }
    return resolve_resume(pool, target, options, error);
}

static void on_start_target(Target *target_taken, const GError *error, gpointer data)
{
    g_autofree Question *question = data;
    g_autoptr(Target) target = target_taken;
    g_autoptr(StartOptions) options = g_steal_pointer(&question->options);
    g_autoptr(GError) own_error = NULL;
    if (!error && !check_start(question->pool, target, options, &own_error))
        error = own_error;
    if (error) {
        question->reply(NULL, error, question->data);
        return;
    }
    for (guint i = 0; i < target->config->warnings->len; i++)
        g_message("%s", (const char *)g_ptr_array_index(target->config->warnings, i));
    start_begin(question->pool, g_steal_pointer(&target), g_steal_pointer(&options),
                question->reply, question->data);
}

void pool_start(Pool *pool, const char *root, const char *story, const char *agent,
                StartOptions *options, PoolReply reply, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!check_root(pool, root, &error)) {
        start_options_free(options);
        reply(NULL, error, data);
        return;
    }
    Question *question = g_new0(Question, 1);
    *question = (Question){.pool = pool, .reply = reply, .data = data, .options = options};
    target_resolve(pool->work, root_or_default(pool, root), story, agent, TRUE, on_start_target,
                   question);
}

static Question *question_new(Pool *pool, PoolReply reply, gpointer data)
{
    Question *question = g_new0(Question, 1);
    *question = (Question){.pool = pool, .reply = reply, .data = data};
    return question;
}

void pool_stop(Pool *pool, Run *run, PoolReply reply, gpointer data)
{
    if (!run_is_live(run)) {
        unlist(pool, run);
        reply(NULL, NULL, data);
        return;
    }
    add_pending(pool->stoppers, run, reply, data);
    Start *start = pool_start_of(pool, run);
    if (start)
        start_stop(start);
    else if (!run->stop_requested)
        run_stop(run);
}

void pool_wait(Pool *pool, Run *run, PoolReply reply, gpointer data)
{
    if (run_is_live(run))
        add_pending(pool->waiters, run, reply, data);
    else
        reply(run_get_info(run), NULL, data);
}

GVariant *pool_list(Pool *pool)
{
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < pool->runs->len; i++) {
        Run *run = g_ptr_array_index(pool->runs, i);
        if (run->listed)
            g_variant_builder_add_value(&builder, run_get_info(run));
    }
    return g_variant_builder_end(&builder);
}

static void on_config_target(Target *target_taken, const GError *error, gpointer data)
{
    g_autofree Question *question = data;
    g_autoptr(Target) target = target_taken;
    question->reply(error ? NULL : project_config_to_variant(target->config), error,
                    question->data);
}

void pool_get_config(Pool *pool, const char *root, PoolReply reply, gpointer data)
{
    pool_resolve(pool, root, NULL, TRUE, on_config_target, question_new(pool, reply, data));
}

Run *pool_find_by_id(Pool *pool, const char *run_id, GError **error)
{
    if (!run_id_is_valid(run_id)) {
        g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                            "not a run id: it has the form STORY.AGENT.TIME, as Start answers it");
        return NULL;
    }
    for (guint i = 0; i < pool->runs->len; i++) {
        Run *run = g_ptr_array_index(pool->runs, i);
        if (g_str_equal(run->record->run_id, run_id))
            return run_ref(run);
    }
    Run *run = adopt_read(pool, run_id);
    if (run && run->result)
        return run;
    run_unref(run);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN, "no run %s", run_id);
    return NULL;
}

void pool_foreach_visible(Pool *pool, void (*each)(Run *run, gpointer data), gpointer data)
{
    for (guint i = 0; i < pool->runs->len; i++) {
        Run *run = g_ptr_array_index(pool->runs, i);
        if (run->visible)
            each(run, data);
    }
}

/* --- Properties --- */

const char *pool_get_project_root(const Pool *pool)
{
    return pool->project_root;
}

gboolean pool_set_project_root(Pool *pool, const char *path, GError **error)
{
    if (strlen(path) >= PATH_MAX) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "ProjectRoot can't be that long: no path has %d bytes or more", PATH_MAX);
        return FALSE;
    }
    if (*path && !g_path_is_absolute(path)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "ProjectRoot must be an absolute path or empty, not '%s'", path);
        return FALSE;
    }
    g_free(pool->project_root);
    pool->project_root = g_strdup(path);
    return TRUE;
}

const Settings *pool_get_settings(const Pool *pool)
{
    return &pool->settings;
}

guint pool_get_max_agents(const Pool *pool)
{
    return pool->settings.max_agents;
}

static void save_max_agents(gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!settings_save_max_agents(GPOINTER_TO_UINT(data), &error))
        g_warning("keeping MaxAgents: %s", error->message);
}

static void ignore_done(gpointer data)
{
}

gboolean pool_set_max_agents(Pool *pool, guint max_agents, GError **error)
{
    if (max_agents == 0) {
        g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                            "MaxAgents must be at least 1");
        return FALSE;
    }
    pool->settings.max_agents = max_agents;
    work_queue_push(pool->work, "settings", save_max_agents, ignore_done,
                    GUINT_TO_POINTER(max_agents));
    pool_advance(pool);
    return TRUE;
}

/* --- The pool --- */

Pool *pool_new(void (*lost)(gpointer data), gpointer data, GError **error)
{
    g_autoptr(Pool) pool = g_new0(Pool, 1);
    pool->runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
    pool->starts = g_ptr_array_new_with_free_func((GDestroyNotify)start_free);
    g_queue_init(&pool->queue);
    pool->work = work_queue_new();
    pool->listeners = g_array_new(FALSE, FALSE, sizeof(Listening));
    pool->waiters =
        g_hash_table_new_full(NULL, NULL, (GDestroyNotify)run_unref, (GDestroyNotify)g_array_unref);
    pool->stoppers =
        g_hash_table_new_full(NULL, NULL, (GDestroyNotify)run_unref, (GDestroyNotify)g_array_unref);
    pool->project_root = g_strdup("");
    settings_load(&pool->settings);
    pool->folder_watch = folder_watch_new(error);
    if (!pool->folder_watch)
        return NULL;
    pool->systemd = systemd_new(lost, data, error);
    return pool->systemd ? g_steal_pointer(&pool) : NULL;
}

/* Answers to callers who wait for what this service does not see any more. */
static void refuse_pending(GHashTable *table)
{
    g_autoptr(GError) error =
        g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                            "the service is going down and the run goes on: ask again");
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        GArray *pendings = value;
        for (guint i = 0; i < pendings->len; i++) {
            const Pending *pending = &g_array_index(pendings, Pending, i);
            pending->reply(NULL, error, pending->data);
        }
    }
}

void pool_free(Pool *pool)
{
    if (!pool)
        return;
    refuse_pending(pool->waiters);
    refuse_pending(pool->stoppers);
    g_clear_handle_id(&pool->pressure_timer, g_source_remove);
    g_queue_clear(&pool->queue);
    g_clear_pointer(&pool->starts, g_ptr_array_unref);
    g_clear_pointer(&pool->waiters, g_hash_table_unref);
    g_clear_pointer(&pool->stoppers, g_hash_table_unref);
    g_clear_pointer(&pool->runs, g_ptr_array_unref);
    g_clear_pointer(&pool->folder_watch, folder_watch_free);
    g_clear_pointer(&pool->systemd, systemd_free);
    g_clear_pointer(&pool->work, work_queue_free);
    g_array_unref(pool->listeners);
    g_free(pool->project_root);
    g_free(pool);
}

void pool_shut_down(Pool *pool)
{
    pool->shutting_down = TRUE;
    g_autoptr(GPtrArray) starts = snapshot_starts(pool);
    for (guint i = 0; i < starts->len; i++)
        start_abandon(g_ptr_array_index(starts, i));
}

gboolean pool_is_quiet(const Pool *pool)
{
    for (guint i = 0; i < pool->starts->len; i++)
        if (!start_may_be_left(g_ptr_array_index(pool->starts, i)))
            return FALSE;
    return work_queue_is_idle(pool->work);
}
