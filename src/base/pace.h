/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Pace: a token bucket, which holds a sink to a rate and allows it bursts. For one thread. */
typedef struct {
    guint per_second;
    guint burst; /* the most tokens it holds */
    double tokens;
    gint64 refilled; /* monotonic µs */
} Pace;

/** @tokens: how many it begins with. */
void pace_init(Pace *pace, guint per_second, guint burst, guint tokens);

/** Adds the tokens for the time that has passed since the last call. */
void pace_refill(Pace *pace);

/** Whether there is a token to take. */
gboolean pace_has_token(const Pace *pace);

/** Whether one may be taken by somebody who may owe as many as @debt. */
gboolean pace_may_owe(const Pace *pace, guint debt);

/** Takes @cost tokens; more than there are is a debt, which later refills pay first. */
void pace_take(Pace *pace, guint cost);
