/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>

#include "monitor/entry.h"
#include "monitor/paragraph.h"

/*
 * What a list shows of an entry.
 */

#define MONITOR_TYPE_ENTRY_ROW (monitor_entry_row_get_type())
G_DECLARE_FINAL_TYPE(MonitorEntryRow, monitor_entry_row, MONITOR, ENTRY_ROW, AdwBin)

GtkWidget *monitor_entry_row_new(void);

/** Shows @entry, as it changes; NULL: nothing. */
void monitor_entry_row_set_entry(MonitorEntryRow *self, MonitorEntry *entry);

/** Shows the beginning of @entry in @line, a single one: so it is shown in a flood. */
void monitor_entry_row_show_brief(MonitorParagraph *line, MonitorEntry *entry);
