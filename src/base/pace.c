/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/pace.h"

void pace_init(Pace *pace, guint per_second, guint burst, guint tokens)
{
    *pace = (Pace){per_second, burst, tokens, g_get_monotonic_time()};
}

void pace_refill(Pace *pace)
{
    gint64 now = g_get_monotonic_time();
    pace->tokens += (double)(now - pace->refilled) * pace->per_second / G_USEC_PER_SEC;
    pace->tokens = MIN(pace->tokens, pace->burst);
    pace->refilled = now;
}

gboolean pace_may_owe(const Pace *pace, guint debt)
{
    return pace->tokens + debt >= 1;
}

gboolean pace_has_token(const Pace *pace)
{
    return pace_may_owe(pace, 0);
}

void pace_take(Pace *pace, guint cost)
{
    pace->tokens -= cost;
}
