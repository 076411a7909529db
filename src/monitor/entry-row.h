/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>

#include "monitor/entry.h"

/*
 * What a list shows of an entry.
 */

#define MONITOR_TYPE_ENTRY_ROW (monitor_entry_row_get_type())
G_DECLARE_FINAL_TYPE(MonitorEntryRow, monitor_entry_row, MONITOR, ENTRY_ROW, AdwBin)

GtkWidget *monitor_entry_row_new(void);

/** Shows entries in one line, from the next one on: to lay out a long text takes milliseconds. */
void monitor_entry_row_set_brief(MonitorEntryRow *self);

/** Shows @entry, as it changes; NULL: nothing. */
void monitor_entry_row_set_entry(MonitorEntryRow *self, MonitorEntry *entry);
