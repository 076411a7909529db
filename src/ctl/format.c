/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/format.h"

#include <string.h>

static const struct {
    guint64 usec;
    const char *name;
} units[] = {
    {86400 * (guint64)G_USEC_PER_SEC, "d"},
    {3600 * (guint64)G_USEC_PER_SEC, "h"},
    {60 * (guint64)G_USEC_PER_SEC, "min"},
    {G_USEC_PER_SEC, "s"},
};

char *format_span(guint64 usec)
{
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
        guint64 n = usec / units[i].usec;
        if (n == 0)
            continue;
        guint64 rest = i + 1 < G_N_ELEMENTS(units) ? usec % units[i].usec / units[i + 1].usec : 0;
        if (rest == 0)
            return g_strdup_printf("%" G_GUINT64_FORMAT "%s", n, units[i].name);
        return g_strdup_printf("%" G_GUINT64_FORMAT "%s %" G_GUINT64_FORMAT "%s", n, units[i].name,
                               rest, units[i + 1].name);
    }
    if (usec == 0)
        return g_strdup("0s");
    return g_strdup_printf("%" G_GUINT64_FORMAT "ms", MAX(usec / 1000, 1));
}

/* As systemd reads them; a number alone is seconds. */
static const struct {
    const char *name;
    guint64 usec;
} read_units[] = {
    {"", G_USEC_PER_SEC},
    {"ms", 1000},
    {"s", G_USEC_PER_SEC},
    {"sec", G_USEC_PER_SEC},
    {"m", 60 * (guint64)G_USEC_PER_SEC},
    {"min", 60 * (guint64)G_USEC_PER_SEC},
    {"h", 3600 * (guint64)G_USEC_PER_SEC},
    {"d", 86400 * (guint64)G_USEC_PER_SEC},
};

static guint64 unit_of(const char *name, gsize length)
{
    for (gsize i = 0; i < G_N_ELEMENTS(read_units); i++)
        if (strlen(read_units[i].name) == length && strncmp(read_units[i].name, name, length) == 0)
            return read_units[i].usec;
    return 0;
}

/* One number with its unit; moves @text past it. */
static gboolean take_part(const char **text, guint64 *total)
{
    char *end;
    guint64 n = g_ascii_isdigit(**text) ? g_ascii_strtoull(*text, &end, 10) : G_MAXUINT64;
    if (n > G_MAXINT32)
        return FALSE;
    end += strspn(end, " ");
    gsize length = 0;
    while (g_ascii_isalpha(end[length]))
        length++;
    guint64 unit = unit_of(end, length);
    *total += n * unit;
    *text = end + length + strspn(end + length, " ");
    return unit > 0;
}

gboolean parse_span(const char *text, guint64 *ret_usec)
{
    guint64 total = 0;
    text += strspn(text, " ");
    do
        if (!take_part(&text, &total))
            return FALSE;
    while (*text);
    *ret_usec = total;
    return TRUE;
}

char *format_ago(guint64 usec)
{
    guint64 now = (guint64)g_get_real_time();
    if (usec + G_USEC_PER_SEC > now)
        return g_strdup("just now");
    g_autofree char *span = format_span(now - usec);
    return g_strconcat(span, " ago", NULL);
}

static char *format_local(guint64 usec, const char *format)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(usec / G_USEC_PER_SEC));
    return time ? g_date_time_format(time, format) : g_strdup("-");
}

char *format_time(guint64 usec)
{
    return format_local(usec, "%a %Y-%m-%d %H:%M:%S");
}

char *format_clock(guint64 usec)
{
    return format_local(usec, "%H:%M:%S");
}

/* Three digits are enough: "9.8M", "98M", "980M". The number is compared as printed, so that there
 * is no "10.0M" and no "1024K". */
static char *format_scaled(guint64 value, unsigned base, const char *const *suffixes)
{
    double scaled = (double)value;
    gsize i = 0;
    while (scaled >= base - 0.5 && suffixes[i + 1]) {
        scaled /= base;
        i++;
    }
    return g_strdup_printf(i > 0 && scaled < 9.95 ? "%.1f%s" : "%.0f%s", scaled, suffixes[i]);
}

char *format_bytes(guint64 bytes)
{
    static const char *const suffixes[] = {"B", "K", "M", "G", "T", "P", NULL};
    return format_scaled(bytes, 1024, suffixes);
}

char *format_count(guint64 count)
{
    static const char *const suffixes[] = {"", "k", "M", "G", "T", NULL};
    return format_scaled(count, 1000, suffixes);
}

char *format_cost(double usd)
{
    if (usd > 0 && usd < 0.01)
        return g_strdup_printf("$%.4f", usd);
    return g_strdup_printf("$%.2f", usd);
}

char *format_limit(const char *key, guint64 value)
{
    if (g_str_equal(key, "cpu_quota_usec"))
        return g_strdup_printf("%" G_GUINT64_FORMAT "%%", value * 100 / G_USEC_PER_SEC);
    if (g_str_has_suffix(key, "_usec"))
        return value > 0 ? format_span(value) : g_strdup("off");
    if (g_str_has_prefix(key, "memory_"))
        return format_bytes(value);
    return g_strdup_printf("%" G_GUINT64_FORMAT, value);
}
