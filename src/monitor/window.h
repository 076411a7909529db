/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

/*
 * The window: the runs of all projects, and one of them.
 */

#define MONITOR_TYPE_WINDOW (monitor_window_get_type())
G_DECLARE_FINAL_TYPE(MonitorWindow, monitor_window, MONITOR, WINDOW, AdwApplicationWindow)

GtkWidget *monitor_window_new(GtkApplication *application);

/** Shows the runs of @pool. */
void monitor_window_set_pool(MonitorWindow *self, StorkitPool *pool);

/** Says why there is no pool. */
void monitor_window_set_problem(MonitorWindow *self, const char *text);

/** Shows a run, at once or when the pool has it. */
void monitor_window_show_run(MonitorWindow *self, const char *run_id);

/** Opens the form that starts a run. */
void monitor_window_start_run(MonitorWindow *self);
