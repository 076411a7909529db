/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

/*
 * The events of a run, as they come, with a search in them.
 */

#define MONITOR_TYPE_EVENTS_PAGE (monitor_events_page_get_type())
G_DECLARE_FINAL_TYPE(MonitorEventsPage, monitor_events_page, MONITOR, EVENTS_PAGE, AdwBin)

/** Shows the events of @run from its first one on; NULL: none. */
void monitor_events_page_set_run(MonitorEventsPage *self, StorkitRun *run);

/** Opens the search. */
void monitor_events_page_search(MonitorEventsPage *self);
