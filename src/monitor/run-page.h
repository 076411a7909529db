/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

/*
 * One run: what it asks, its events, its changes, its details and its terminal.
 */

#define MONITOR_TYPE_RUN_PAGE (monitor_run_page_get_type())
G_DECLARE_FINAL_TYPE(MonitorRunPage, monitor_run_page, MONITOR, RUN_PAGE, AdwBin)

/** Shows @run of @pool; NULL: says that none is chosen. */
void monitor_run_page_set_run(MonitorRunPage *self, StorkitPool *pool, StorkitRun *run);

/** The run that is shown, or NULL. */
StorkitRun *monitor_run_page_get_run(MonitorRunPage *self);

/** What can be done to it. */
GActionGroup *monitor_run_page_get_actions(MonitorRunPage *self);

/** Whether the window shows this page alone, which then has a way back. */
void monitor_run_page_set_narrow(MonitorRunPage *self, gboolean narrow);

/** Shows the page @name: events, changes, details, terminal. */
void monitor_run_page_show(MonitorRunPage *self, const char *name);

/** Opens the search in the events. */
void monitor_run_page_search(MonitorRunPage *self);

/** Puts the focus where a message is written. */
void monitor_run_page_write(MonitorRunPage *self);
