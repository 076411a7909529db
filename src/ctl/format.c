/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/format.h"

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
    return g_strdup_printf("%" G_GUINT64_FORMAT "ms", usec / 1000);
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

/* Three digits say enough: "9.8M", "98M", "980M". What is looked at is the number as it is printed,
 * so that there is no "10.0M" and no "1024K". */
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
