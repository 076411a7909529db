/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/run.h"
#include "sinks/journal-writer.h"
#include "transcript/event.h"

/*
 * An event in the words of the journal: one entry, with its MESSAGE for a person and its fields for
 * a program. Each call blocks when journald does. @unit is the run's scope.
 */

/** What the journal says of a run besides its identity. */
typedef struct {
    char *unit;
    char *sandbox;          /* NULL: none */
    char **sandbox_missing; /* what of it is not enforced, or NULL */
} JournalRun;

void journal_send_event(JournalWriter *writer, const RunIdentity *identity, const JournalRun *run,
                        const Event *event);

/** A change of a run that is not an event of its log. */
void journal_send_note(JournalWriter *writer, const RunIdentity *identity, const char *unit,
                       RunNote note);

/** The events after the cursor @from, up to the cursor @to, are not in the journal. */
void journal_send_skipped(JournalWriter *writer, const RunIdentity *identity, const char *unit,
                          guint64 from, guint64 to);
