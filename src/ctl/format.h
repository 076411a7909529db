/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Times, sizes and sums as people read them. Every function returns a string that the caller frees.
 */

/** A duration in µs by its two largest units: "850ms", "12s", "3min 12s", "2h 5min", "4d 3h". */
char *format_span(guint64 usec);

/** Reads a duration as a person writes it: "90", "90s", "1min 30s", "2h"; a number alone is
 * seconds. Returns FALSE for anything else. */
gboolean parse_span(const char *text, guint64 *ret_usec);

/** How long ago @usec since the epoch was, by the clock: "3min 12s ago", "just now". */
char *format_ago(guint64 usec);

/** A point in time, local: "Mon 2026-11-23 19:43:07". */
char *format_time(guint64 usec);

/** The time of day, local: "19:43:07". */
char *format_clock(guint64 usec);

/** A size in bytes, base 1024: "812B", "1.2G". */
char *format_bytes(guint64 bytes);

/** A count, base 1000: "812", "1.2k", "3.4M". */
char *format_count(guint64 count);

/** US dollars: "$0.42", below a cent with what there is: "$0.0006". */
char *format_cost(double usd);

/** A limit as GetConfig names and counts it, in the units that people write: "4.0G", "150%", "1h".
 */
char *format_limit(const char *key, guint64 value);
