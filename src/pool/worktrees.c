/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "host/login-environment.h"
#include "base/names.h"
#include "pool/pool-internal.h"
#include "pool/pool.h"
#include "project/teardown.h"
#include "git/calls.h"

/*
 * ListWorktrees and RemoveWorktree: the pool's part of them is that a worktree in use is not
 * removed, and that a removal waits its turn among the writers of the repository.
 */

typedef struct {
    Pool *pool;
    Reply reply;
    gpointer data;
    Target *target;
    gboolean force;
    char **environment;
    GPtrArray *worktrees;
    GError *error;
} Job;

static void job_free(Job *job)
{
    target_free(job->target);
    g_strfreev(job->environment);
    g_clear_pointer(&job->worktrees, g_ptr_array_unref);
    g_clear_error(&job->error);
    g_free(job);
}

static Job *job_new(Pool *pool, Reply reply, gpointer data)
{
    Job *job = g_new0(Job, 1);
    job->pool = pool;
    job->reply = reply;
    job->data = data;
    return job;
}

static void answer(Job *job, GVariant *value)
{
    job->reply(job->error ? NULL : value, job->error, job->data);
    job_free(job);
}

static GitContext git_of(const Job *job)
{
    return (GitContext){job->environment, job->pool->shut_down};
}

/* --- ListWorktrees --- */

static GVariant *worktree_to_variant(const WorktreeStatus *status)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&dict, "story", "s", status->story);
    g_variant_dict_insert(&dict, "path", "s", status->path);
    g_variant_dict_insert(&dict, "branch", "s", status->branch);
    if (*status->base_branch)
        g_variant_dict_insert(&dict, "base_branch", "s", status->base_branch);
    g_variant_dict_insert(&dict, "dirty", "b", status->dirty);
    g_variant_dict_insert(&dict, "ahead", "u", status->ahead);
    if (status->host)
        g_variant_dict_insert(&dict, "host", "s", status->host);
    if (status->missing)
        g_variant_dict_insert(&dict, "missing", "b", TRUE);
    return g_variant_dict_end(&dict);
}

static void list_in_thread(gpointer data)
{
    Job *job = data;
    const GitContext git = git_of(job);
    job->worktrees = git_call_list(&git, job->target->root, &job->error);
}

static void on_listed(gpointer data)
{
    Job *job = data;
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; job->worktrees && i < job->worktrees->len; i++)
        g_variant_builder_add_value(&builder,
                                    worktree_to_variant(g_ptr_array_index(job->worktrees, i)));
    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_builder_end(&builder));
    answer(job, list);
}

static void on_list_environment(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Job *job = user_data;
    g_autofree char *lane = g_strconcat("list ", job->target->root, NULL);
    job->environment = login_environment_get_finish(result, NULL);
    /* A writer may take longer than a call has time. */
    work_queue_push(job->pool->tools.work, lane, list_in_thread, on_listed, job);
}

static void on_list_target(Target *target, const GError *error, gpointer data)
{
    Job *job = data;
    job->target = target;
    if (error) {
        job->error = g_error_copy(error);
        answer(job, NULL);
        return;
    }
    login_environment_get_async(NULL, on_list_environment, job);
}

void pool_list_worktrees(Pool *pool, const char *root, Reply reply, gpointer data)
{
    pool_resolve(pool, root, NULL, FALSE, on_list_target, job_new(pool, reply, data));
}

/* --- RemoveWorktree --- */

/* A tree whose removal will be refused is not torn down; a config that can't be read has no say.
 * Only a teardown needs the status: the removal looks for itself. */
static gboolean tear_down(Job *job, const GitContext *git)
{
    g_autoptr(ProjectConfig) config = project_config_load(git, job->target->root, NULL);
    if (!config || !teardown_is_wanted(config))
        return TRUE;
    g_autoptr(WorktreeStatus) status =
        git_call_status(git, job->target->root, job->target->story, &job->error);
    if (job->error)
        return FALSE;
    if (!status || status->missing || status->host ||
        (!job->force && (status->dirty || status->ahead > 0)))
        return TRUE;

    g_autoptr(GError) error = NULL;
    if (teardown_run(config, status->path, job->environment, &error))
        return TRUE;
    if (job->force) {
        g_message("%s", error->message);
        return TRUE;
    }
    job->error = g_steal_pointer(&error);
    return FALSE;
}

static void remove_in_thread(gpointer data)
{
    Job *job = data;
    const GitContext git = git_of(job);
    if (tear_down(job, &git))
        git_call_remove(&git, job->target->root, job->target->story, job->force, &job->error);
}

static void on_removed(gpointer data)
{
    answer(data, NULL);
}

static void on_environment(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Job *job = user_data;
    job->environment = login_environment_get_finish(result, NULL);
    work_queue_push(job->pool->tools.work, job->target->root, remove_in_thread, on_removed, job);
}

static gboolean is_user(const Run *run, gconstpointer unused)
{
    return run_get_phase(run) != RUN_QUEUED;
}

static Run *find_user(const Job *job)
{
    return runs_find_live_of(job->pool->tools.runs, job->target->root, job->target->story, NULL,
                             is_user, NULL);
}

static void remove_when_unused(Job *job);

static void on_user_stopped(GVariant *value, const GError *error, gpointer data)
{
    Job *job = data;
    if (!error) {
        remove_when_unused(job);
        return;
    }
    /* The service goes down before the run has ended: asking again would never end. */
    job->error = g_error_copy(error);
    answer(job, NULL);
}

static void remove_when_unused(Job *job)
{
    Run *run = find_user(job);
    if (!run) {
        login_environment_get_async(NULL, on_environment, job);
        return;
    }
    if (job->force) {
        pool_stop(job->pool, run, on_user_stopped, job);
        return;
    }
    g_set_error(&job->error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_BUSY,
                "agent '%s' is %s in the worktree of story '%s': stop it first, or use force",
                run_get_record(run)->agent, run_get_status(run), job->target->story);
    answer(job, NULL);
}

static void on_remove_target(Target *target, const GError *error, gpointer data)
{
    Job *job = data;
    job->target = target;
    if (!error) {
        remove_when_unused(job);
        return;
    }
    job->error = g_error_copy(error);
    answer(job, NULL);
}

void pool_remove_worktree(Pool *pool, const char *root, const char *story, gboolean force,
                          Reply reply, gpointer data)
{
    Job *job = job_new(pool, reply, data);
    job->force = force;
    if (name_check("story id", story, &job->error))
        pool_resolve(pool, root, story, FALSE, on_remove_target, job);
    else
        answer(job, NULL);
}
