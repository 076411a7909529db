/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * What the runs of each project have cost on one day. Transcripts and summaries have the same, but
 * go with their runs' folders, and do not tell which part of a run's cost is of the day before.
 */

typedef struct Ledger Ledger;

Ledger *ledger_new(void);
void ledger_free(Ledger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ledger, ledger_free)

/** It is @day ("2026-11-30"). Where that is another one than before, nothing is spent yet: of a run
 *  that goes on, only what it costs from now on counts. */
void ledger_begin_day(Ledger *ledger, const char *day);

/** The run @run_id of @project has cost @cost_usd since its beginning. TRUE where that is news. */
gboolean ledger_note(Ledger *ledger, const char *run_id, const char *project, double cost_usd);

/** What @project has spent on its day. */
double ledger_sum(const Ledger *ledger, const char *project);

/** The whole as JSON. Caller unrefs. */
JsonBuilder *ledger_to_json(const Ledger *ledger);

/** Adds what ledger_to_json() has made of another. What is not of its form is left out. */
void ledger_from_json(Ledger *ledger, JsonObject *object);
