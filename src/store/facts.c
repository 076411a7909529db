/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/facts.h"

static void take_string(char **to, char **from)
{
    if (!*from)
        return;
    g_free(*to);
    *to = g_steal_pointer(from);
}

static void close_run(RunFacts *facts, const LineFacts *line)
{
    facts->closed = TRUE;
    facts->success = line->success;
    facts->empty = line->empty;
    if (line->success)
        g_clear_pointer(&facts->error, g_free);
}

void run_facts_add(RunFacts *facts, LineFacts *line)
{
    take_string(&facts->session_id, &line->session_id);
    facts->opened |= line->opening;
    facts->assistant |= line->assistant;
    if (line->retry_at)
        facts->retry_at = line->retry_at;
    /* The previous result was not for this prompt. */
    if (line->assistant && facts->empty)
        facts->closed = facts->empty = FALSE;
    if (line->closing)
        close_run(facts, line);
    take_string(&facts->error, &line->error);
    usage_add(&facts->usage, &line->used);
    usage_replace(&facts->usage, &line->so_far);
    usage_replace(&facts->session, &line->session);
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

gboolean run_facts_look_equal(const RunFacts *a, const RunFacts *b)
{
    return g_strcmp0(a->session_id, b->session_id) == 0 && a->retry_at == b->retry_at &&
           usage_equal(&a->usage, &b->usage);
}

void run_facts_add_totals(const RunFacts *facts, GVariantDict *dict)
{
    const Usage *usage = &facts->usage;

    if (usage->has_cost)
        g_variant_dict_insert(dict, "cost_usd", "d", usage->cost_usd);
    for (UsageCount i = 0; i < USAGE_COUNTS; i++) {
        if (!usage->has[i])
            continue;
        if (i == USAGE_TURNS)
            g_variant_dict_insert(dict, usage_count_name(i), "u",
                                  (guint)MIN(usage->counts[i], G_MAXUINT));
        else
            g_variant_dict_insert(dict, usage_count_name(i), "t", usage->counts[i]);
    }
}
