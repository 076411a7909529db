/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/decoded-line.h"

/*
 * What an agent's own lines say of its run, added up over the transcript: display, except that a
 * missing or unsuccessful closing line makes a run that exited 0 a failed one.
 */

typedef struct {
    char *session_id;
    gboolean opened;    /* the kind's opening line was seen */
    gboolean closed;    /* a closing line was seen since */
    gboolean success;   /* the last closing line reports success */
    gboolean assistant; /* the model said something */
    char *error;        /* the last closing line's own words */
    guint64 retry_at;
    gboolean has_cost, has_turns, has_input_tokens, has_output_tokens;
    double cost_usd;
    guint turns;
    guint64 input_tokens, output_tokens;
} RunFacts;

/** Adds what one line says. Takes what it needs out of @line (its strings are NULL afterwards). */
void run_facts_add(RunFacts *facts, LineFacts *line);

void run_facts_copy(const RunFacts *facts, RunFacts *ret_copy);
void run_facts_clear(RunFacts *facts);

/** Whether both show the same: session, reset time, totals. */
gboolean run_facts_look_equal(const RunFacts *a, const RunFacts *b);

/** Adds the totals (`cost_usd`, `turns`, `input_tokens`, `output_tokens`) that are known. */
void run_facts_add_totals(const RunFacts *facts, GVariantDict *dict);
