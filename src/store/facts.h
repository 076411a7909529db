/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/decoded-line.h"

/*
 * The facts in an agent's own lines, added up over the transcript: for display, except that a
 * missing or unsuccessful closing line makes a run that exited 0 a failed one.
 */

typedef struct {
    char *session_id;
    gboolean opened;      /* the kind's opening line was seen */
    gboolean closed;      /* a closing line was seen since */
    gboolean success;     /* the last closing line reports success */
    gboolean assistant;   /* the model said something */
    gboolean empty;       /* ... and that nothing was done */
    char *error;          /* the CLI's own words for a failure */
    guint64 retry_at;     /* when the limit ends that its last request ran into, or 0 */
    gboolean stalled;     /* its last line says that it waits for a limit, without a time */
    GPtrArray *questions; /* AgentQuestion: asked, and not over as far as the lines say; or NULL */
    GArray *due;          /* LinePlace: a reply is owed for these lines; or NULL */
    guint n_due;          /* ... and was for so many */
    Usage usage;          /* of this run */
    Usage session;        /* of its session with all earlier runs, where the CLI counts that */
} RunFacts;

/** Adds the facts of one line. Takes what it needs out of @line (its strings are NULL
 * afterwards). */
void run_facts_add(RunFacts *facts, LineFacts *line);

/** Without the questions and what is owed, which end with the run. */
void run_facts_copy(const RunFacts *facts, RunFacts *ret_copy);
void run_facts_clear(RunFacts *facts);

/** Whether both show the same: session, reset time, totals. */
gboolean run_facts_look_equal(const RunFacts *a, const RunFacts *b);

/** Adds the totals (`cost_usd`, `turns`, `input_tokens`, …) that are known. */
void run_facts_add_totals(const RunFacts *facts, GVariantDict *dict);
