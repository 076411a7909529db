/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The bounds of a run: keys `memory_max`, `memory_high`, `cpu_weight`, `cpu_quota`, `io_weight`,
 * `tasks_max`, `runtime_max`, `idle_timeout` of the config and of StartWithOptions.
 */

/** Not set. limits_override() turns LIMIT_NONE into this: a lifted limit is not set. */
#define LIMIT_UNSET G_MAXUINT64

/** Set, to "infinity": it lifts the limit that it overrides. Only in Limits that are fresh from
 *  limits_set(), never in what limits_override() made. */
#define LIMIT_NONE (G_MAXUINT64 - 1)

typedef struct {
    guint64 memory_max;        /* bytes */
    guint64 memory_high;       /* bytes */
    guint64 cpu_weight;        /* 1 to 10000 */
    guint64 cpu_quota_usec;    /* µs of CPU time a second: "150%" is 1500000 */
    guint64 io_weight;         /* 1 to 10000 */
    guint64 tasks_max;         /* processes and threads */
    guint64 runtime_max_usec;  /* from the agent's start */
    guint64 idle_timeout_usec; /* without a byte of output */
} Limits;

/** Everything there is to know of a limit, for code that goes through all of them. */
typedef struct {
    const char *key;        /* of the config and of StartWithOptions: "cpu_quota" */
    const char *value_key;  /* of its value as a number: "cpu_quota_usec" */
    const char *property;   /* systemd's; NULL: the shim's own */
    const char *controller; /* the cgroup controller that enforces it, or NULL */
} LimitInfo;

#define LIMITS_COUNT 8

/** The limits one by one; @index is below LIMITS_COUNT. */
const LimitInfo *limits_info(gsize index);

/** The value of the limit at @index, LIMIT_UNSET if it has none. */
guint64 limits_get(const Limits *limits, gsize index);

/** Sets the limit at @index, unchecked: to a value of limits_get(). */
void limits_put(Limits *limits, gsize index, guint64 value);

/** Makes every limit LIMIT_UNSET. */
void limits_init(Limits *limits);

/** Whether @key names a limit. */
gboolean limits_has_key(const char *key);

/** Sets the limit @key from text as people write it: sizes "4G", "512M", "1073741824" (bases of
 *  1024, as systemd's); quotas "150%"; spans "10s", "5m", "1h 30m", "90" (seconds), "0" for none;
 *  weights and counts as integers; "infinity" for none. Sets STORKIT_ERROR_INVALID_ARGUMENT, naming
 * the key, the text and the accepted forms; the limits are then unchanged. */
gboolean limits_set(Limits *limits, const char *key, const char *text, GError **error);

/** The limits that are set, a{sv} (floating): each under its value_key, as a `t`. */
GVariant *limits_to_variant(const Limits *limits);

/** Every limit that is set in @over replaces that of @limits, and LIMIT_NONE unsets it. */
void limits_override(Limits *limits, const Limits *over);

/** Parses a span ("10s", "500ms", "5m", "1h 30m", "90": seconds, "0") to µs; at most G_MAXINT64.
 *  The units are us, ms, s, sec, m, min, h, d, w. FALSE leaves @ret_usec alone. */
gboolean parse_span(const char *text, guint64 *ret_usec);

/** Parses a size ("4G", "512M", "1024") to bytes; at most G_MAXINT64. The units are B, K, M, G, T,
 *  in powers of 1024. FALSE leaves @ret_bytes alone. */
gboolean parse_size(const char *text, guint64 *ret_bytes);
