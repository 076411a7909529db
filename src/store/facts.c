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

static void ask(RunFacts *facts, AgentQuestion **question)
{
    if (!*question)
        return;
    if (!facts->questions)
        facts->questions = g_ptr_array_new_with_free_func((GDestroyNotify)agent_question_unref);
    if (facts->questions->len < QUESTIONS_MAX)
        g_ptr_array_add(facts->questions, g_steal_pointer(question));
}

static gboolean is_named(const AgentQuestion *question, const GPtrArray *names)
{
    for (guint i = 0; i < names->len; i++)
        if (g_str_equal(question->request, names->pdata[i]) ||
            g_strcmp0(question->subject, names->pdata[i]) == 0)
            return TRUE;
    return FALSE;
}

static void settle(RunFacts *facts, const GPtrArray *names)
{
    for (guint i = names && facts->questions ? facts->questions->len : 0; i > 0; i--)
        if (is_named(facts->questions->pdata[i - 1], names))
            g_ptr_array_remove_index(facts->questions, i - 1);
}

/* An agent that prints requests without end gets no file for each. */
#define DUE_MAX 10000u

static void owe(RunFacts *facts, const LineFacts *line)
{
    if (!line->due || facts->n_due >= DUE_MAX)
        return;
    if (!facts->due)
        facts->due = g_array_new(FALSE, FALSE, sizeof(LinePlace));
    g_array_append_val(facts->due, line->place);
    facts->n_due++;
}

/* A model that speaks is past its limit. */
static void take_limit(RunFacts *facts, const LineFacts *line)
{
    facts->stalled = line->stalled;
    if (line->assistant)
        facts->retry_at = 0;
    if (line->retry_at)
        facts->retry_at = line->retry_at;
}

void run_facts_add(RunFacts *facts, LineFacts *line)
{
    take_string(&facts->session_id, &line->session_id);
    facts->opened |= line->opening;
    facts->assistant |= line->assistant;
    take_limit(facts, line);
    /* The previous result was not for this prompt. */
    if (line->assistant && facts->empty)
        facts->closed = facts->empty = FALSE;
    if (line->closing)
        close_run(facts, line);
    take_string(&facts->error, &line->error);
    ask(facts, &line->question);
    owe(facts, line);
    settle(facts, line->settled);
    usage_add(&facts->usage, &line->used);
    usage_replace(&facts->usage, &line->so_far);
    usage_replace(&facts->session, &line->session);
}

void run_facts_copy(const RunFacts *facts, RunFacts *ret_copy)
{
    *ret_copy = *facts;
    ret_copy->session_id = g_strdup(facts->session_id);
    ret_copy->error = g_strdup(facts->error);
    ret_copy->questions = NULL;
    ret_copy->due = NULL;
}

void run_facts_clear(RunFacts *facts)
{
    g_free(facts->session_id);
    g_free(facts->error);
    g_clear_pointer(&facts->questions, g_ptr_array_unref);
    g_clear_pointer(&facts->due, g_array_unref);
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
