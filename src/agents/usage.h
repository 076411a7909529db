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

/** Usage: the usage of a run, or of a part of one. All zero: nothing is known. */
typedef struct {
    gboolean has_cost;
    double cost_usd;
    gboolean has[USAGE_COUNTS];
    guint64 counts[USAGE_COUNTS];
} Usage;

/** The contract's name of a count: a static string. */
const char *usage_count_name(UsageCount count);

/** Adds the known figures of @more to @usage. */
void usage_add(Usage *usage, const Usage *more);

/** The known figures of @newer replace those of @usage. */
void usage_replace(Usage *usage, const Usage *newer);

/** Subtracts @before from @usage. A figure that @before lacks, or that is larger there (its CLI
 * started counting again), is unknown afterwards. */
void usage_subtract(Usage *usage, const Usage *before);

gboolean usage_is_known(const Usage *usage);
gboolean usage_equal(const Usage *a, const Usage *b);
