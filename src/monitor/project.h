/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/storkit.h>

/*
 * The runs of a pool by their projects: what a tree of them shows.
 */

#define MONITOR_TYPE_PROJECT (monitor_project_get_type())
G_DECLARE_FINAL_TYPE(MonitorProject, monitor_project, MONITOR, PROJECT, GObject)

/** The project's folder. */
const char *monitor_project_get_root(MonitorProject *self);

/** Its machine; NULL: this one. */
const char *monitor_project_get_host(MonitorProject *self);

/** Its runs, by story and agent; the list changes with the pool's. */
GListModel *monitor_project_get_runs(MonitorProject *self);

/** The projects of the runs in @pool, by name, for as long as the list lives: a list of
 *  MonitorProject. A project without runs leaves it. Caller: g_object_unref(). */
GListStore *monitor_projects_new(StorkitPool *pool);

/** Puts a run that is not the pool's into the list, under its project on its host, or takes it
 *  off. */
void monitor_projects_add(GListStore *projects, StorkitRun *run);
void monitor_projects_remove(GListStore *projects, StorkitRun *run);
