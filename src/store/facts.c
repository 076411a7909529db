/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/facts.h"

static void take_string(char **to, char **from)
{
    if (!*from)
        return;
    g_free(*to);
    *to = g_steal_pointer(from);
}

static void add_totals(RunFacts *facts, const LineFacts *line)
{
    if (line->has_cost) {
        facts->has_cost = TRUE;
        facts->cost_usd = line->cost_usd + (line->step ? facts->cost_usd : 0);
    }
    if (line->has_turns) {
        facts->has_turns = TRUE;
        facts->turns = line->turns;
    }
    if (line->has_input_tokens) {
        facts->has_input_tokens = TRUE;
        facts->input_tokens = line->input_tokens + (line->step ? facts->input_tokens : 0);
    }
    if (line->has_output_tokens) {
        facts->has_output_tokens = TRUE;
        facts->output_tokens = line->output_tokens + (line->step ? facts->output_tokens : 0);
    }
}

void run_facts_add(RunFacts *facts, LineFacts *line)
{
    take_string(&facts->session_id, &line->session_id);
    facts->opened |= line->opening;
    facts->assistant |= line->assistant;
    if (line->retry_at)
        facts->retry_at = line->retry_at;
    if (line->closing) {
        facts->closed = TRUE;
        facts->success = line->success;
        g_clear_pointer(&facts->error, g_free);
        take_string(&facts->error, &line->error);
    }
    add_totals(facts, line);
}

void run_facts_copy(const RunFacts *facts, RunFacts *ret_copy)
{
    *ret_copy = *facts;
    ret_copy->session_id = g_strdup(facts->session_id);
    ret_copy->error = g_strdup(facts->error);
}

void run_facts_clear(RunFacts *facts)
{
    g_free(facts->session_id);
    g_free(facts->error);
    *facts = (RunFacts){0};
}

static gboolean totals_equal(const RunFacts *a, const RunFacts *b)
{
    return a->has_cost == b->has_cost && a->cost_usd == b->cost_usd &&
           a->has_turns == b->has_turns && a->turns == b->turns &&
           a->has_input_tokens == b->has_input_tokens && a->input_tokens == b->input_tokens &&
           a->has_output_tokens == b->has_output_tokens && a->output_tokens == b->output_tokens;
}

gboolean run_facts_look_equal(const RunFacts *a, const RunFacts *b)
{
    return g_strcmp0(a->session_id, b->session_id) == 0 && a->retry_at == b->retry_at &&
           totals_equal(a, b);
}

void run_facts_add_totals(const RunFacts *facts, GVariantDict *dict)
{
    if (facts->has_cost)
        g_variant_dict_insert(dict, "cost_usd", "d", facts->cost_usd);
    if (facts->has_turns)
        g_variant_dict_insert(dict, "turns", "u", facts->turns);
    if (facts->has_input_tokens)
        g_variant_dict_insert(dict, "input_tokens", "t", facts->input_tokens);
    if (facts->has_output_tokens)
        g_variant_dict_insert(dict, "output_tokens", "t", facts->output_tokens);
}
