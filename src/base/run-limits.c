/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/run-limits.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

typedef gboolean (*ParseFunc)(const char *text, guint64 *ret);

typedef struct {
    const char *name;
    guint64 factor;
} Unit;

static const Unit size_units[] = {
    {"B", 1},
    {"K", G_GUINT64_CONSTANT(1) << 10},
    {"M", G_GUINT64_CONSTANT(1) << 20},
    {"G", G_GUINT64_CONSTANT(1) << 30},
    {"T", G_GUINT64_CONSTANT(1) << 40},
};

static const Unit span_units[] = {
    {"us", 1},
    {"ms", 1000},
    {"s", G_USEC_PER_SEC},
    {"sec", G_USEC_PER_SEC},
    {"m", 60 * G_GUINT64_CONSTANT(1000000)},
    {"min", 60 * G_GUINT64_CONSTANT(1000000)},
    {"h", 3600 * G_GUINT64_CONSTANT(1000000)},
    {"d", 24 * 3600 * G_GUINT64_CONSTANT(1000000)},
    {"w", 7 * 24 * 3600 * G_GUINT64_CONSTANT(1000000)},
};

/* Digits only: neither a sign nor leading space. @ret_rest is what follows them. */
static gboolean parse_digits(const char *text, guint64 *ret, const char **ret_rest)
{
    char *rest;
    if (!g_ascii_isdigit(*text))
        return FALSE;
    errno = 0;
    guint64 value = g_ascii_strtoull(text, &rest, 10);
    if (errno != 0 || value > G_MAXINT64)
        return FALSE;
    *ret = value;
    *ret_rest = rest;
    return TRUE;
}

static const Unit *find_unit(const Unit *units, gsize n_units, const char *name, gsize length)
{
    for (gsize i = 0; i < n_units; i++) {
        if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
            return &units[i];
    }
    return NULL;
}

static gboolean scale(guint64 value, guint64 factor, guint64 *ret)
{
    guint64 product;
    if (!g_uint64_checked_mul(&product, value, factor) || product > G_MAXINT64)
        return FALSE;
    *ret = product;
    return TRUE;
}

gboolean parse_size(const char *text, guint64 *ret_bytes)
{
    guint64 value;
    const char *rest;
    if (!parse_digits(text, &value, &rest))
        return FALSE;
    if (*rest == '\0')
        rest = "B";
    const Unit *unit = find_unit(size_units, G_N_ELEMENTS(size_units), rest, strlen(rest));
    return unit && scale(value, unit->factor, ret_bytes);
}

/* One "5m" of "1h 5m"; moves @text past it and the spaces after it. */
static gboolean parse_span_part(const char **text, guint64 *ret_usec)
{
    guint64 value;
    const char *rest;
    if (!parse_digits(*text, &value, &rest))
        return FALSE;
    rest += strspn(rest, " ");
    gsize length = 0;
    while (g_ascii_isalpha(rest[length]))
        length++;
    const Unit *unit = find_unit(span_units, G_N_ELEMENTS(span_units), rest, length);
    if (!unit || !scale(value, unit->factor, ret_usec))
        return FALSE;
    rest += length;
    *text = rest + strspn(rest, " ");
    return TRUE;
}

gboolean parse_span(const char *text, guint64 *ret_usec)
{
    guint64 seconds, part, total = 0;
    const char *rest;
    if (parse_digits(text, &seconds, &rest) && *rest == '\0')
        return scale(seconds, G_USEC_PER_SEC, ret_usec);
    do {
        if (!parse_span_part(&text, &part) || part > G_MAXINT64 - total)
            return FALSE;
        total += part;
    } while (*text);
    *ret_usec = total;
    return TRUE;
}

static gboolean parse_memory(const char *text, guint64 *ret)
{
    guint64 bytes;
    if (!parse_size(text, &bytes) || bytes == 0)
        return FALSE;
    *ret = bytes;
    return TRUE;
}

static gboolean parse_integer(const char *text, guint64 max, guint64 *ret)
{
    guint64 value;
    const char *rest;
    if (!parse_digits(text, &value, &rest) || *rest != '\0' || value == 0 || value > max)
        return FALSE;
    *ret = value;
    return TRUE;
}

static gboolean parse_weight(const char *text, guint64 *ret)
{
    return parse_integer(text, 10000, ret);
}

static gboolean parse_count(const char *text, guint64 *ret)
{
    return parse_integer(text, G_MAXINT32, ret);
}

static gboolean parse_quota(const char *text, guint64 *ret)
{
    guint64 percent;
    const char *rest;
    if (!parse_digits(text, &percent, &rest) || !g_str_equal(rest, "%") || percent == 0)
        return FALSE;
    return scale(percent, G_USEC_PER_SEC / 100, ret);
}

static gboolean parse_timeout(const char *text, guint64 *ret)
{
    guint64 usec;
    if (!parse_span(text, &usec))
        return FALSE;
    *ret = usec == 0 ? LIMIT_NONE : usec;
    return TRUE;
}

#define ACCEPTED_SIZE "a size such as '4G' or '512M', or a number of bytes"
#define ACCEPTED_WEIGHT "an integer from 1 to 10000"
#define ACCEPTED_SPAN "a time such as '90s', '5m' or '1h 30m', or a number of seconds"

static const struct {
    LimitInfo info;
    gsize offset;
    ParseFunc parse;
    const char *accepted;
} fields[LIMITS_COUNT] = {
    {{"memory_max", "memory_max", "MemoryMax", "memory"},
     offsetof(Limits, memory_max),
     parse_memory,
     ACCEPTED_SIZE},
    {{"memory_high", "memory_high", "MemoryHigh", "memory"},
     offsetof(Limits, memory_high),
     parse_memory,
     ACCEPTED_SIZE},
    {{"cpu_weight", "cpu_weight", "CPUWeight", "cpu"},
     offsetof(Limits, cpu_weight),
     parse_weight,
     ACCEPTED_WEIGHT},
    {{"cpu_quota", "cpu_quota_usec", "CPUQuotaPerSecUSec", "cpu"},
     offsetof(Limits, cpu_quota_usec),
     parse_quota,
     "a percentage such as '150%'"},
    {{"io_weight", "io_weight", "IOWeight", "io"},
     offsetof(Limits, io_weight),
     parse_weight,
     ACCEPTED_WEIGHT},
    {{"tasks_max", "tasks_max", "TasksMax", "pids"},
     offsetof(Limits, tasks_max),
     parse_count,
     "a positive integer"},
    {{"runtime_max", "runtime_max_usec", NULL, NULL},
     offsetof(Limits, runtime_max_usec),
     parse_timeout,
     ACCEPTED_SPAN},
    {{"idle_timeout", "idle_timeout_usec", NULL, NULL},
     offsetof(Limits, idle_timeout_usec),
     parse_timeout,
     ACCEPTED_SPAN},
};

static guint64 *field_of(Limits *limits, gsize index)
{
    return (guint64 *)((char *)limits + fields[index].offset);
}

const LimitInfo *limits_info(gsize index)
{
    return &fields[index].info;
}

guint64 limits_get(const Limits *limits, gsize index)
{
    return *(const guint64 *)((const char *)limits + fields[index].offset);
}

void limits_put(Limits *limits, gsize index, guint64 value)
{
    *field_of(limits, index) = value;
}

void limits_init(Limits *limits)
{
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++)
        *field_of(limits, i) = LIMIT_UNSET;
}

static gboolean find_field(const char *key, gsize *ret_index)
{
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (g_str_equal(fields[i].info.key, key)) {
            *ret_index = i;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean limits_has_key(const char *key)
{
    gsize index;
    return find_field(key, &index);
}

static gboolean set_field(Limits *limits, gsize index, const char *text, GError **error)
{
    if (g_str_equal(text, "infinity")) {
        *field_of(limits, index) = LIMIT_NONE;
        return TRUE;
    }
    if (fields[index].parse(text, field_of(limits, index)))
        return TRUE;
    g_autofree char *head = g_strndup(text, 100);
    g_autofree char *shown = g_strescape(head, NULL);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                "%s cannot be '%.100s': write %s, or 'infinity'", fields[index].info.key, shown,
                fields[index].accepted);
    return FALSE;
}

gboolean limits_set(Limits *limits, const char *key, const char *text, GError **error)
{
    gsize index;
    if (find_field(key, &index))
        return set_field(limits, index, text, error);
    g_autofree char *head = g_strndup(key, 100);
    g_autofree char *shown = g_strescape(head, NULL);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                "'%.100s' is not a limit; the limits are memory_max, memory_high, cpu_weight, "
                "cpu_quota, io_weight, tasks_max, runtime_max and idle_timeout",
                shown);
    return FALSE;
}

GVariant *limits_to_variant(const Limits *limits)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    for (gsize i = 0; i < LIMITS_COUNT; i++)
        if (limits_get(limits, i) != LIMIT_UNSET)
            g_variant_dict_insert(&dict, limits_info(i)->value_key, "t", limits_get(limits, i));
    return g_variant_dict_end(&dict);
}

void limits_override(Limits *limits, const Limits *over)
{
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        guint64 value = limits_get(over, i);

        if (value != LIMIT_UNSET)
            *field_of(limits, i) = value == LIMIT_NONE ? LIMIT_UNSET : value;
    }
}
