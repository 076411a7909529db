/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/work-queue.h"
#include "project/target.h"
#include "run/register.h"

/*
 * Budgets: what a project may spend in a day of the local time. The sums come of what runs report;
 * a ledger (store/ledger.h) keeps them over a restart, and over the removal of runs.
 */

typedef struct Budget Budget;

/** Called on the main loop: the budget of @run's project is spent, and it is to be stopped. */
typedef void (*BudgetSpent)(Run *run, gpointer data);

/** @runs and @work must outlive it. Reads the ledger: blocking, but small. */
Budget *budget_new(Runs *runs, WorkQueue *work, BudgetSpent spent, gpointer data);
void budget_free(Budget *budget);

/** Takes account of all runs that there are: once they have been found. */
void budget_count_all(Budget *budget);

/** Whether @target's project (with its config) may start another run. Sets
 *  STORKIT_ERROR_BUDGET_EXCEEDED, with the figures. @budget NULL: it may. */
gboolean budget_check(Budget *budget, const Target *target, GError **error);
