/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/usage.h"

static const char *const names[] = {
    [USAGE_TURNS] = "turns",
    [USAGE_INPUT_TOKENS] = "input_tokens",
    [USAGE_CACHED_INPUT_TOKENS] = "cached_input_tokens",
    [USAGE_OUTPUT_TOKENS] = "output_tokens",
};

const char *usage_count_name(UsageCount count)
{
    g_assert(count < USAGE_COUNTS);
    return names[count];
}

void usage_add(Usage *usage, const Usage *more)
{
    usage->has_cost |= more->has_cost;
    usage->cost_usd += more->cost_usd;
    for (guint i = 0; i < USAGE_COUNTS; i++) {
        usage->has[i] |= more->has[i];
        usage->counts[i] += more->counts[i];
    }
}

void usage_replace(Usage *usage, const Usage *newer)
{
    if (newer->has_cost) {
        usage->has_cost = TRUE;
        usage->cost_usd = newer->cost_usd;
    }
    for (guint i = 0; i < USAGE_COUNTS; i++) {
        if (!newer->has[i])
            continue;
        usage->has[i] = TRUE;
        usage->counts[i] = newer->counts[i];
    }
}

void usage_subtract(Usage *usage, const Usage *before)
{
    usage->has_cost &= before->has_cost && before->cost_usd <= usage->cost_usd;
    usage->cost_usd = usage->has_cost ? usage->cost_usd - before->cost_usd : 0;
    for (guint i = 0; i < USAGE_COUNTS; i++) {
        usage->has[i] &= before->has[i] && before->counts[i] <= usage->counts[i];
        usage->counts[i] = usage->has[i] ? usage->counts[i] - before->counts[i] : 0;
    }
}

gboolean usage_is_known(const Usage *usage)
{
    gboolean known = usage->has_cost;
    for (guint i = 0; i < USAGE_COUNTS; i++)
        known |= usage->has[i];
    return known;
}

gboolean usage_equal(const Usage *a, const Usage *b)
{
    gboolean equal = a->has_cost == b->has_cost && a->cost_usd == b->cost_usd;
    for (guint i = 0; i < USAGE_COUNTS; i++)
        equal &= a->has[i] == b->has[i] && a->counts[i] == b->counts[i];
    return equal;
}
