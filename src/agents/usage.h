/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

typedef enum {
    USAGE_TURNS,
    USAGE_INPUT_TOKENS,        /* all input, whether it came from a cache or not */
    USAGE_CACHED_INPUT_TOKENS, /* the part of it that came from a cache */
    USAGE_OUTPUT_TOKENS,
    USAGE_COUNTS,
} UsageCount;

/** Usage: what a run, or a part of one, has used. All zero is one of which nothing is known. */
typedef struct {
    gboolean has_cost;
    double cost_usd;
    gboolean has[USAGE_COUNTS];
    guint64 counts[USAGE_COUNTS];
} Usage;

/** The contract's name of a count: a static string. */
const char *usage_count_name(UsageCount count);

/** Adds what is known of @more to @usage. */
void usage_add(Usage *usage, const Usage *more);

/** What is known of @newer takes the place of what @usage says. */
void usage_replace(Usage *usage, const Usage *newer);

/** Takes @before off @usage. What is not known of @before, or is more than there is now (its CLI
 *  has begun to count again), is not known afterwards. */
void usage_subtract(Usage *usage, const Usage *before);

gboolean usage_is_known(const Usage *usage);
gboolean usage_equal(const Usage *a, const Usage *b);
