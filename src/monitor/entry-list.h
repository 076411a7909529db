/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "monitor/entry.h"

/*
 * The last events of a run, and those to come, as a GListModel of MonitorEntry that is bounded:
 * the oldest ones are dropped. It reads for half of each frame at most, and leaves three times as
 * long between two changes as a change takes to be drawn: a run that prints faster than that is
 * shown later, not at the expense of the window.
 */

#define MONITOR_TYPE_ENTRY_LIST (monitor_entry_list_get_type())
G_DECLARE_FINAL_TYPE(MonitorEntryList, monitor_entry_list, MONITOR, ENTRY_LIST, GObject)

/** Takes the events of @run, wherever it is, until the last one, or until it is closed. Caller:
 * monitor_entry_list_close(), g_object_unref(). */
MonitorEntryList *monitor_entry_list_new(StorkitRun *run);

/** Reads no more. */
void monitor_entry_list_close(MonitorEntryList *self);

/** How many of the oldest entries were dropped; notifies as the property `dropped`. */
guint64 monitor_entry_list_get_dropped(MonitorEntryList *self);

/** Why no more events come; NULL: more do, or all have. Notifies as the property `problem`. */
const char *monitor_entry_list_get_problem(MonitorEntryList *self);
