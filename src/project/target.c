/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "project/target.h"

#include "base/error.h"
#include "base/names.h"
#include "git/calls.h"

typedef struct {
    char *path; /* as the caller gave it */
    Target *target;
    gboolean with_config;
    GError *error;
    TargetDone done;
    gpointer data;
} Resolve;

void target_free(Target *target)
{
    if (!target)
        return;
    g_free(target->root);
    g_free(target->story);
    g_free(target->agent);
    g_clear_pointer(&target->config, project_config_free);
    g_free(target);
}

static gboolean check_names(const Target *target, GError **error)
{
    if (target->story && !name_check("story id", target->story, error))
        return FALSE;
    return !target->agent || !*target->agent || name_check("agent name", target->agent, error);
}

static gboolean needs_config(const Resolve *resolve)
{
    const char *agent = resolve->target->agent;
    return resolve->with_config || (agent && !*agent);
}

static gboolean take_config(Resolve *resolve, GBytes *contents)
{
    Target *target = resolve->target;
    target->config = project_config_of_file(contents, target->root, &resolve->error);
    if (!target->config)
        return FALSE;
    if (!target->agent)
        return TRUE;
    const AgentConfig *agent =
        project_config_find_agent(target->config, target->agent, &resolve->error);
    if (!agent)
        return FALSE;
    g_free(target->agent);
    target->agent = g_strdup(agent->name);
    return TRUE;
}

/* If the config was needed only for the default agent's name, the caller can do without it: a
 * broken or missing project must not prevent stopping its runs. */
static void advise(Resolve *resolve)
{
    gboolean default_agent = resolve->target->agent && !*resolve->target->agent;
    if (!resolve->error || !default_agent || resolve->with_config ||
        g_error_matches(resolve->error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT))
        return;
    g_autofree char *message = g_steal_pointer(&resolve->error->message);
    resolve->error->message = g_strdup_printf(
        "%s (the default agent comes from there: name the agent to do without it)", message);
}

static void resolve_in_thread(gpointer data)
{
    Resolve *resolve = data;
    if (!check_names(resolve->target, &resolve->error))
        return;
    gboolean with_config = needs_config(resolve);
    g_autoptr(GBytes) contents = NULL;
    resolve->target->root =
        git_call_resolve(resolve->path, with_config ? &contents : NULL, &resolve->error);
    if (resolve->target->root && with_config)
        take_config(resolve, contents);
    advise(resolve);
}

static void on_resolved(gpointer data)
{
    Resolve *resolve = data;
    if (resolve->error)
        g_clear_pointer(&resolve->target, target_free);
    resolve->done(resolve->target, resolve->error, resolve->data);
    g_clear_error(&resolve->error);
    g_free(resolve->path);
    g_free(resolve);
}

void target_resolve(WorkQueue *queue, const char *root, const char *story, const char *agent,
                    gboolean with_config, TargetDone done, gpointer data)
{
    Resolve *resolve = g_new0(Resolve, 1);
    resolve->path = g_strdup(root);
    resolve->target = g_new0(Target, 1);
    resolve->target->story = g_strdup(story);
    resolve->target->agent = g_strdup(agent);
    resolve->with_config = with_config;
    resolve->done = done;
    resolve->data = data;
    /* In the order of the calls: Starts are served first come, first served. */
    g_autofree char *lane = g_strconcat("resolve ", root, NULL);
    work_queue_push(queue, lane, resolve_in_thread, on_resolved, resolve);
}

const AgentConfig *target_get_agent(const Target *target)
{
    return project_config_find_agent(target->config, target->agent, NULL);
}
