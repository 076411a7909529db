/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

#include "monitor/project.h"

/*
 * What the list of runs shows of one, or of a project.
 */

#define MONITOR_TYPE_RUN_ROW (monitor_run_row_get_type())
G_DECLARE_FINAL_TYPE(MonitorRunRow, monitor_run_row, MONITOR, RUN_ROW, AdwBin)

GtkWidget *monitor_run_row_new(void);

/** Shows a StorkitRun, as it changes, or a MonitorProject; NULL: nothing. */
void monitor_run_row_set_item(MonitorRunRow *self, gpointer item);
