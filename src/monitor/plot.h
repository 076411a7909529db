/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gtk/gtk.h>

/*
 * A value over the last minutes, as a line.
 */

#define MONITOR_TYPE_PLOT (monitor_plot_get_type())
G_DECLARE_FINAL_TYPE(MonitorPlot, monitor_plot, MONITOR, PLOT, GtkWidget)

GtkWidget *monitor_plot_new(void);

/** The next value, at the time @usec of the monotonic clock. */
void monitor_plot_add(MonitorPlot *self, gint64 usec, double value);

void monitor_plot_clear(MonitorPlot *self);
