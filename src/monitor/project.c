/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/project.h"

#include "monitor/far-run.h"

struct _MonitorProject {
    GObject parent;
    char *root, *name;
    char *host; /* NULL: this machine */
    GListStore *runs;
};

G_DEFINE_FINAL_TYPE(MonitorProject, monitor_project, G_TYPE_OBJECT)

const char *monitor_project_get_root(MonitorProject *self)
{
    return self->root;
}

const char *monitor_project_get_host(MonitorProject *self)
{
    return self->host;
}

GListModel *monitor_project_get_runs(MonitorProject *self)
{
    return G_LIST_MODEL(self->runs);
}

static void monitor_project_finalize(GObject *object)
{
    MonitorProject *self = MONITOR_PROJECT(object);
    g_free(self->root);
    g_free(self->name);
    g_free(self->host);
    g_object_unref(self->runs);
    G_OBJECT_CLASS(monitor_project_parent_class)->finalize(object);
}

static void monitor_project_class_init(MonitorProjectClass *class)
{
    G_OBJECT_CLASS(class)->finalize = monitor_project_finalize;
}

static void monitor_project_init(MonitorProject *self)
{
    self->runs = g_list_store_new(STORKIT_TYPE_RUN);
}

static MonitorProject *monitor_project_new(const char *root, const char *host)
{
    MonitorProject *self = g_object_new(MONITOR_TYPE_PROJECT, NULL);
    self->root = g_strdup(root);
    self->name = g_path_get_basename(root);
    self->host = g_strdup(host);
    return self;
}

/* --- The list of them --- */

static int compare_projects(gconstpointer a, gconstpointer b, gpointer data)
{
    const MonitorProject *first = a, *second = b;
    return g_strcmp0(first->name, second->name) ?: g_strcmp0(first->host, second->host)
                                                            ?: g_strcmp0(first->root, second->root);
}

/* A later run of the same agent on the same story comes after the one that it replaces. */
static int compare_runs(gconstpointer a, gconstpointer b, gpointer data)
{
    StorkitRun *first = (StorkitRun *)a, *second = (StorkitRun *)b;
    return g_strcmp0(storkit_run_get_story_id(first), storkit_run_get_story_id(second))
               ?: g_strcmp0(storkit_run_get_agent_name(first), storkit_run_get_agent_name(second))
                      ?: g_strcmp0(storkit_run_get_run_id(first), storkit_run_get_run_id(second));
}

/* Its index, or G_MAXUINT. */
static guint find_project(GListStore *projects, StorkitRun *run)
{
    const char *root = storkit_run_get_project_root(run) ?: "", *host = far_run_get_host(run);
    for (guint i = 0; i < g_list_model_get_n_items(G_LIST_MODEL(projects)); i++) {
        g_autoptr(MonitorProject) project = g_list_model_get_item(G_LIST_MODEL(projects), i);
        if (g_str_equal(project->root, root) && g_strcmp0(project->host, host) == 0)
            return i;
    }
    return G_MAXUINT;
}

void monitor_projects_add(GListStore *projects, StorkitRun *run)
{
    guint index = find_project(projects, run);
    if (index != G_MAXUINT) {
        g_autoptr(MonitorProject) known = g_list_model_get_item(G_LIST_MODEL(projects), index);
        g_list_store_insert_sorted(known->runs, run, compare_runs, NULL);
        return;
    }
    g_autoptr(MonitorProject) project =
        monitor_project_new(storkit_run_get_project_root(run) ?: "", far_run_get_host(run));
    g_list_store_append(project->runs, run);
    g_list_store_insert_sorted(projects, project, compare_projects, NULL);
}

void monitor_projects_remove(GListStore *projects, StorkitRun *run)
{
    guint index = find_project(projects, run), position;
    if (index == G_MAXUINT)
        return;
    g_autoptr(MonitorProject) project = g_list_model_get_item(G_LIST_MODEL(projects), index);
    if (g_list_store_find(project->runs, run, &position))
        g_list_store_remove(project->runs, position);
    if (g_list_model_get_n_items(G_LIST_MODEL(project->runs)) == 0)
        g_list_store_remove(projects, index);
}

static void on_added(StorkitPool *pool, StorkitRun *run, gpointer data)
{
    monitor_projects_add(data, run);
}

static void on_removed(StorkitPool *pool, StorkitRun *run, gpointer data)
{
    monitor_projects_remove(data, run);
}

GListStore *monitor_projects_new(StorkitPool *pool)
{
    GListStore *projects = g_list_store_new(MONITOR_TYPE_PROJECT);
    g_autoptr(GPtrArray) runs = storkit_pool_dup_runs(pool);
    for (guint i = 0; i < runs->len; i++)
        monitor_projects_add(projects, runs->pdata[i]);
    g_signal_connect_object(pool, "run-added", G_CALLBACK(on_added), projects, 0);
    g_signal_connect_object(pool, "run-removed", G_CALLBACK(on_removed), projects, 0);
    return projects;
}
