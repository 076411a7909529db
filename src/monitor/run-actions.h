/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

/*
 * What a person can do to a run, as actions: stop, freeze (a state: on while it is frozen), resume,
 * merge. They ask before what cannot be undone, and are enabled as the run allows.
 */

#define MONITOR_TYPE_RUN_ACTIONS (monitor_run_actions_get_type())
G_DECLARE_FINAL_TYPE(MonitorRunActions, monitor_run_actions, MONITOR, RUN_ACTIONS, GObject)

/** What they do shows in the window of @widget, which outlives them. Caller: g_object_unref(). */
MonitorRunActions *monitor_run_actions_new(GtkWidget *widget);

/** The actions. */
GActionGroup *monitor_run_actions_get_group(MonitorRunActions *self);

/** They are about @run of @pool from now on; NULL: about none. */
void monitor_run_actions_set_run(MonitorRunActions *self, StorkitPool *pool, StorkitRun *run);
