/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * A part of a list. Unlike GtkSliceListModel, it stays with its items, and says of no item that it
 * has changed when the part becomes larger or smaller: its row need not be made once more.
 */

#define MONITOR_TYPE_RANGE (monitor_range_get_type())
G_DECLARE_FINAL_TYPE(MonitorRange, monitor_range, MONITOR, RANGE, GObject)

/** Nothing of @source. Caller: g_object_unref(). */
MonitorRange *monitor_range_new(GListModel *source);

/** Has the items from @begin up to the one before @end, or as many of them as there are. */
void monitor_range_set(MonitorRange *self, guint begin, guint end);

guint monitor_range_get_begin(MonitorRange *self);
