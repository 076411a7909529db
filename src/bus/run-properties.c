/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/run-properties.h"

#include <errno.h>

#include "base/bus-names.h"
#include "bus/variant.h"

typedef struct {
    const char *name, *key, *type;
} Property;

#define ENTRY(name, key, type) {name, key, type},
#define COUNT(name, key, type) +1

static const Property properties[] = {RUN_STATE(ENTRY) RUN_IDENTITY(ENTRY) RUN_FIGURES(ENTRY)};

enum {
    N_STATES = 0 RUN_STATE(COUNT), /* the first of them */
    N_PROPERTIES = G_N_ELEMENTS(properties),
};

G_STATIC_ASSERT(N_PROPERTIES < RUN_MAX_PROPERTIES);

/* --- Of an info, in one pass --- */

/* By the properties' places; NULL: absent. */
typedef struct {
    GVariant *values[N_PROPERTIES];
} Values;

static void values_clear(Values *values)
{
    for (guint i = 0; i < N_PROPERTIES; i++)
        g_clear_pointer(&values->values[i], g_variant_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Values, values_clear)

static GVariant **find_place(Values *values, const char *key)
{
    for (guint i = 0; i < N_PROPERTIES; i++)
        if (g_str_equal(properties[i].key, key))
            return &values->values[i];
    return NULL;
}

static void read_values(Values *values, GVariant *info)
{
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_variant_iter_init(&iter, info);
    while (g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
        GVariant **place = find_place(values, key);
        if (place && !*place)
            *place = value;
        else
            g_variant_unref(value);
    }
}

guint bus_compare_run_states(GVariant *before, GVariant *after,
                             const char *ret_names[RUN_MAX_PROPERTIES])
{
    g_auto(Values) a = {0}, b = {0};
    guint n = 0;
    read_values(&a, before);
    read_values(&b, after);
    for (guint i = 0; i < N_STATES; i++) {
        GVariant *old = a.values[i], *new = b.values[i];
        if (old && new ? !g_variant_equal(old, new) : old != new)
            ret_names[n++] = properties[i].name;
    }
    ret_names[n] = NULL;
    return n;
}

/* --- Into messages --- */

static int append_empty(sd_bus_message *m, const char *type)
{
    guint64 zero = 0;
    if (*type == 's')
        return sd_bus_message_append_basic(m, 's', "");
    if (*type != 'a')
        return sd_bus_message_append_basic(m, *type, &zero);
    int r = sd_bus_message_open_container(m, 'a', type + 1);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const Property *property, GVariant *value)
{
    return value ? bus_append_variant(m, value) : append_empty(m, property->type);
}

int bus_append_run_property(sd_bus_message *m, const char *name, GVariant *info)
{
    for (guint i = 0; i < N_PROPERTIES; i++) {
        if (!g_str_equal(properties[i].name, name))
            continue;
        g_autoptr(GVariant) value = g_variant_lookup_value(info, properties[i].key, NULL);
        return append_value(m, &properties[i], value);
    }
    g_return_val_if_reached(-EINVAL);
}

static int append_entry(sd_bus_message *m, const Property *property, GVariant *value)
{
    int r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append_basic(m, 's', property->name);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', property->type);
    if (r >= 0)
        r = append_value(m, property, value);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_properties(sd_bus_message *m, const Values *values)
{
    int r = sd_bus_message_open_container(m, 'e', "sa{sv}");
    if (r >= 0)
        r = sd_bus_message_append_basic(m, 's', STORKIT_RUN_INTERFACE);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "{sv}");
    for (guint i = 0; r >= 0 && i < N_PROPERTIES; i++)
        r = append_entry(m, &properties[i], values->values[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

int bus_append_run_interfaces(sd_bus_message *m, GVariant *state, GVariant *figures)
{
    g_auto(Values) values = {0};
    read_values(&values, state);
    read_values(&values, figures);
    int r = sd_bus_message_open_container(m, 'a', "{sa{sv}}");
    /* sd-bus has these for every object. */
    if (r >= 0)
        r = sd_bus_message_append(m, "{sa{sv}}{sa{sv}}{sa{sv}}", "org.freedesktop.DBus.Peer", 0,
                                  "org.freedesktop.DBus.Introspectable", 0,
                                  "org.freedesktop.DBus.Properties", 0);
    if (r >= 0)
        r = append_properties(m, &values);
    return r < 0 ? r : sd_bus_message_close_container(m);
}
