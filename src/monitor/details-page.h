/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

/*
 * What is known of a run: its names, its bounds, its sandbox, and the memory and CPU that it uses,
 * which are asked for every other second while somebody looks at them.
 */

#define MONITOR_TYPE_DETAILS_PAGE (monitor_details_page_get_type())
G_DECLARE_FINAL_TYPE(MonitorDetailsPage, monitor_details_page, MONITOR, DETAILS_PAGE, AdwBin)

/** Shows @run, as it changes; NULL: nothing. */
void monitor_details_page_set_run(MonitorDetailsPage *self, StorkitRun *run);
