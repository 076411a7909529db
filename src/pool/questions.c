/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "base/names.h"
#include "base/test-hooks.h"
#include "pool/family.h"
#include "pool/pool-internal.h"
#include "pool/pool.h"
#include "run/run-info.h"

/*
 * The questions of the contract: from a caller's names to a run, and from there to an answer.
 */

typedef struct {
    Pool *pool;
    PoolFound found;
    Reply reply;
    gpointer data;
    StartOptions *options;
    Run *parent;        /* of the run to start, or NULL */
    gboolean any_agent; /* none was named for the session to resume */
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
        target_resolve(pool->tools.work, root_or_default(pool, root), story, NULL, with_config,
                       done, data);
    else
        done(NULL, error, data);
}

/* --- A run by its key: one of this machine, or where it has none, one of another --- */

typedef struct {
    Pool *pool;
    char *root, *story, *agent;
    Run *run; /* of another machine, or NULL */
    PoolFound found;
    gpointer data;
} Search;

static void search_elsewhere(gpointer data)
{
    Search *search = data;
    search->run =
        elsewhere_find(search->pool->elsewhere, search->root, search->story, search->agent);
}

static void on_searched_elsewhere(gpointer data)
{
    g_autofree Search *search = data;
    g_autoptr(Run) run = search->run;
    g_autoptr(GError) error = NULL;
    if (!run)
        g_set_error(&error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN,
                    "no run of agent '%s' on story '%s' in %s: name the agent of one that List "
                    "shows",
                    search->agent, search->story, search->root);
    search->found(run, error, search->data);
    g_free(search->root);
    g_free(search->story);
    g_free(search->agent);
}

static void find_and_answer(Pool *pool, const char *root, const char *story, const char *agent,
                            PoolFound found, gpointer data)
{
    Run *run = runs_lookup(pool->tools.runs, root, story, agent);
    if (run) {
        g_autoptr(Run) keep = run_ref(run);
        found(run, NULL, data);
        return;
    }
    Search *search = g_new0(Search, 1);
    *search = (Search){
        .pool = pool,
        .root = g_strdup(root),
        .story = g_strdup(story),
        .agent = g_strdup(agent),
        .found = found,
        .data = data,
    };
    work_queue_push(pool->tools.work, NULL, search_elsewhere, on_searched_elsewhere, search);
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
    if (*agent && runs_lookup(pool->tools.runs, path, story, agent)) {
        find_and_answer(pool, path, story, agent, found, data);
        return;
    }
    Question *question = g_new0(Question, 1);
    *question = (Question){.pool = pool, .found = found, .data = data};
    target_resolve(pool->tools.work, path, story, agent, FALSE, on_find_target, question);
}

static gboolean wants_last(const StartOptions *options)
{
    return g_strcmp0(options->resume, "last") == 0;
}

/* "last": the session of the story's last run of this agent. */
static gboolean resolve_resume(Pool *pool, const Target *target, StartOptions *options,
                               GError **error)
{
    if (!wants_last(options))
        return TRUE;
    const char *session =
        runs_last_session(pool->tools.runs, target->root, target->story, target->agent);
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

/* The run that a limit holds, where the caller wants its session now; or NULL. */
static Run *find_held(Pool *pool, const Target *target, const StartOptions *options)
{
    Run *run = runs_lookup(pool->tools.runs, target->root, target->story, target->agent);
    /* It would not live for the caller. */
    if (!run || !options->resume || options->leased || pool->shutting_down ||
        !admission_is_held(pool->admission, run))
        return NULL;
    return wants_last(options) || g_strcmp0(options->resume, run_get_session(run)) == 0 ? run
                                                                                        : NULL;
}

static gboolean check_start(Pool *pool, const Target *target, StartOptions *options, GError **error)
{
    Run *run = runs_lookup(pool->tools.runs, target->root, target->story, target->agent);
    if (run && run_is_live(run) && admission_is_held(pool->admission, run)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_ALREADY_RUNNING,
                    "agent '%s' on story '%s' waits for the end of a usage limit (run %s): "
                    "`storkitctl resume %s/%s` starts it now, `storkitctl stop` gives it up",
                    target->agent, target->story, run_get_id(run), target->story, target->agent);
        return FALSE;
    }
    if (run && run_is_live(run)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_ALREADY_RUNNING,
                    "agent '%s' on story '%s' is %s (run %s): stop it first, or wait for its end",
                    target->agent, target->story, run_get_status(run), run_get_id(run));
        return FALSE;
    }
    if (pool->shutting_down) {
        g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                            "the service is shutting down: try again");
        return FALSE;
    }
    return budget_check(pool->budget, target, error) &&
           resolve_resume(pool, target, options, error);
}

/* A held run that is to go on now is no further child. */
static gboolean check_parent(const Question *question, const Target *target, const Run *held,
                             GError **error)
{
    return !question->parent ||
           family_check_start(question->pool->tools.runs, question->parent, target, held, error);
}

static void on_start_target(Target *target_taken, const GError *error, gpointer data);

/* Whether the session to resume is not the default agent's: then the target is asked for once more,
 * as the roster may not have that agent any more. */
static gboolean ask_for_last_agent(Question *question, const Target *target)
{
    const char *agent = question->any_agent ? runs_last_agent(question->pool->tools.runs,
                                                              target->root, target->story)
                                            : NULL;
    question->any_agent = FALSE;
    if (!agent || g_str_equal(agent, target->agent))
        return FALSE;
    target_resolve(question->pool->tools.work, target->root, target->story, agent, TRUE,
                   on_start_target, question);
    return TRUE;
}

static void on_start_target(Target *target_taken, const GError *error, gpointer data)
{
    g_autoptr(Target) target = target_taken;
    if (target && ask_for_last_agent(data, target))
        return;
    g_autofree Question *question = data;
    g_autoptr(StartOptions) options = g_steal_pointer(&question->options);
    g_autoptr(Run) parent = question->parent;
    g_autoptr(GError) own_error = NULL;
    Run *held = error ? NULL : find_held(question->pool, target, options);
    if (!error && !check_parent(question, target, held, &own_error))
        error = own_error;
    if (!error && held) {
        admission_hurry(question->pool->admission, held, options->prompt, question->reply,
                        question->data);
        return;
    }
    if (!error && !check_start(question->pool, target, options, &own_error))
        error = own_error;
    if (error) {
        question->reply(NULL, error, question->data);
        return;
    }
    for (guint i = 0; i < target->config->warnings->len; i++)
        g_message("%s", (const char *)g_ptr_array_index(target->config->warnings, i));
    admission_begin(question->pool->admission, g_steal_pointer(&target), g_steal_pointer(&options),
                    parent, question->reply, question->data);
}

void pool_start(Pool *pool, const char *cgroup, const char *root, const char *story,
                const char *agent, StartOptions *options, Reply reply, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!check_root(pool, root, &error)) {
        start_options_free(options);
        reply(NULL, error, data);
        return;
    }
    Question *question = g_new0(Question, 1);
    *question = (Question){.pool = pool, .reply = reply, .data = data, .options = options};
    Run *parent = cgroup ? family_find_by_cgroup(pool->tools.runs, cgroup) : NULL;
    question->parent = parent ? run_ref(parent) : NULL;
    question->any_agent = !*agent && wants_last(options);
    target_resolve(pool->tools.work, root_or_default(pool, root), story, agent, TRUE,
                   on_start_target, question);
}

static Question *question_new(Pool *pool, Reply reply, gpointer data)
{
    Question *question = g_new0(Question, 1);
    *question = (Question){.pool = pool, .reply = reply, .data = data};
    return question;
}

/* --- Stopping --- */

static void stop_one(Pool *pool, Run *run)
{
    Start *start = admission_start_of(pool->admission, run);
    if (start)
        admission_stop(pool->admission, start);
    else if (!run_is_stopping(run))
        run_stop(run);
}

void pool_stop_all(Pool *pool, const GPtrArray *runs)
{
    for (guint i = 0; i < runs->len; i++)
        if (run_is_live(runs->pdata[i]))
            stop_one(pool, runs->pdata[i]);
}

/* A Stop of several runs, which is done when the last of them is. */
typedef struct {
    guint left;
    GError *error;
    Reply reply;
    gpointer data;
} Stop;

static void on_stopped(GVariant *value, const GError *error, gpointer data)
{
    Stop *stop = data;
    if (error && !stop->error)
        stop->error = g_error_copy(error);
    if (--stop->left > 0)
        return;
    stop->reply(NULL, stop->error, stop->data);
    g_clear_error(&stop->error);
    g_free(stop);
}

void pool_stop(Pool *pool, Run *run, Reply reply, gpointer data)
{
    if (!run_is_live(run)) {
        pool_unlist(pool, run, reply, data);
        return;
    }
    Waiting *waiting = runs_get_waiting(pool->tools.runs);
    g_autoptr(GPtrArray) below = family_list_below(pool->tools.runs, run);
    Stop *stop = g_new(Stop, 1);
    *stop = (Stop){.left = 1 + below->len, .reply = reply, .data = data};
    waiting_add_stopper(waiting, run, on_stopped, stop);
    for (guint i = 0; i < below->len; i++)
        waiting_add_stopper(waiting, below->pdata[i], on_stopped, stop);
    stop_one(pool, run); /* it comes first, so that it starts no others */
    fault_point("children");
    pool_stop_all(pool, below);
}

void pool_wait(Pool *pool, Run *run, Reply reply, gpointer data)
{
    if (run_is_live(run))
        waiting_add_waiter(runs_get_waiting(pool->tools.runs), run, reply, data);
    else
        reply(run_get_info(run), NULL, data);
}

/* Where its runs are kept matters to a project as its own settings do. */
static GVariant *describe_config(const Pool *pool, const ProjectConfig *config)
{
    GVariant *plain = project_config_to_variant(config);
    if (!pool->state_file_system)
        return plain;
    g_autoptr(GVariant) owned = g_variant_ref_sink(plain);
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(owned);
    g_variant_dict_insert(&dict, "state_file_system", "s", pool->state_file_system);
    return g_variant_dict_end(&dict);
}

static void on_config_target(Target *target_taken, const GError *error, gpointer data)
{
    g_autofree Question *question = data;
    g_autoptr(Target) target = target_taken;
    question->reply(error ? NULL : describe_config(question->pool, target->config), error,
                    question->data);
}

void pool_get_config(Pool *pool, const char *root, Reply reply, gpointer data)
{
    pool_resolve(pool, root, NULL, TRUE, on_config_target, question_new(pool, reply, data));
}

/* --- A run that List may no longer show --- */

typedef struct {
    Pool *pool;
    char *run_id;
    Run *run;
    GError *error;
    PoolFound found;
    gpointer data;
} IdSearch;

static gboolean is_here(const Run *run)
{
    return !run_record_host(run_get_record(run));
}

static void search_in_thread(gpointer data)
{
    IdSearch *search = data;
    gboolean listed;
    search->run = adopt_read(search->pool, search->run_id, &listed, &search->error);
    if (search->run && is_here(search->run) && !run_get_result(search->run))
        run_recover_result(search->run);
}

/* NULL: the run was found, and has ended, or is another machine's. */
static GError *search_error(IdSearch *search)
{
    if (search->run && (run_get_result(search->run) || !is_here(search->run)))
        return NULL;
    if (search->error && !g_error_matches(search->error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_prefix_error(&search->error, "run %s can't be read: ", search->run_id);
        return g_steal_pointer(&search->error);
    }
    return g_error_new(STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN, "no run %s: List shows the runs",
                       search->run_id);
}

static void on_searched(gpointer data)
{
    g_autofree IdSearch *search = data;
    g_autofree char *run_id = search->run_id;
    g_autoptr(Run) run = search->run;
    g_autoptr(GError) error = search_error(search);
    search->found(error ? NULL : run, error, search->data);
    g_clear_error(&search->error);
}

void pool_find_by_id(Pool *pool, const char *run_id, PoolFound found, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!run_id_is_valid(run_id)) {
        g_set_error_literal(&error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                            "not a run id: it has the form STORY.AGENT.TIME, as returned by Start");
        found(NULL, error, data);
        return;
    }
    Run *run = runs_find(pool->tools.runs, run_id);
    if (run) {
        g_autoptr(Run) keep = run_ref(run);
        found(run, NULL, data);
        return;
    }
    IdSearch *search = g_new0(IdSearch, 1);
    *search = (IdSearch){.pool = pool, .run_id = g_strdup(run_id), .found = found, .data = data};
    work_queue_push(pool->tools.work, NULL, search_in_thread, on_searched, search);
}
