/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/storkit.h>

/*
 * An event of a run as a line for people.
 */

typedef enum {
    ENTRY_TEXT,    /* what the agent says, or prints */
    ENTRY_TOOL,    /* what it does: folded, with details */
    ENTRY_STATUS,  /* what happens to it */
    ENTRY_WARNING, /* the same, and somebody should know */
    ENTRY_GOOD,
    ENTRY_BAD,
} EntryKind;

#define MONITOR_TYPE_ENTRY (monitor_entry_get_type())
G_DECLARE_FINAL_TYPE(MonitorEntry, monitor_entry, MONITOR, ENTRY, GObject)

/** NULL for an event that says nothing to people. */
MonitorEntry *monitor_entry_new(StorkitEvent *event);

EntryKind monitor_entry_get_kind(MonitorEntry *self);

/** When: "15:20:07". Caller frees. */
char *monitor_entry_dup_clock(MonitorEntry *self);

/** What it says, without control characters, a thousand bytes at most. */
const char *monitor_entry_get_text(MonitorEntry *self);

/** Whether there is more of it than the text; it is unfolded where `open` is set. */
gboolean monitor_entry_has_details(MonitorEntry *self);

/** The whole of it, some ten thousand bytes at most. Caller frees. */
char *monitor_entry_dup_details(MonitorEntry *self);

gboolean monitor_entry_get_open(MonitorEntry *self);
void monitor_entry_set_open(MonitorEntry *self, gboolean open);

/** About how much memory it takes, in bytes. */
gsize monitor_entry_get_size(MonitorEntry *self);
