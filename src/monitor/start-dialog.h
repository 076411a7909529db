/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

/*
 * The form that starts a run: a project, one of its agents, a story.
 */

#define MONITOR_TYPE_START_DIALOG (monitor_start_dialog_get_type())
G_DECLARE_FINAL_TYPE(MonitorStartDialog, monitor_start_dialog, MONITOR, START_DIALOG, AdwWindow)

/** Over @parent, with the projects of the runs in @pool and @root (or NULL) as the first choice. A
 * run that it starts is shown by the parent's action "win.show-run". */
GtkWidget *monitor_start_dialog_new(GtkWindow *parent, StorkitPool *pool, const char *root);
