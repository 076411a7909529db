/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

/*
 * What a story changes, as git shows it.
 */

#define MONITOR_TYPE_DIFF_PAGE (monitor_diff_page_get_type())
G_DECLARE_FINAL_TYPE(MonitorDiffPage, monitor_diff_page, MONITOR, DIFF_PAGE, AdwBin)

/** Shows the changes of @run's story: as of now, if somebody looks at the page, else once somebody
 * does. NULL: nothing. */
void monitor_diff_page_set_run(MonitorDiffPage *self, StorkitRun *run);

/** Asks for the changes once more. */
void monitor_diff_page_reload(MonitorDiffPage *self);
