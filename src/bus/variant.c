/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/variant.h"

#include <errno.h>

#include "base/bus-text.h"

static int append_string(sd_bus_message *m, const char *text)
{
    g_autofree char *clean = bus_text_clean(text);
    return sd_bus_message_append_basic(m, 's', clean ? clean : text);
}

static int append_basic(sd_bus_message *m, GVariant *value)
{
    char type = (char)g_variant_classify(value);
    switch (type) {
    case 's':
        return append_string(m, g_variant_get_string(value, NULL));
    case 'o':
    case 'g':
        return sd_bus_message_append_basic(m, type, g_variant_get_string(value, NULL));
    case 'b': {
        int boolean = g_variant_get_boolean(value);
        return sd_bus_message_append_basic(m, type, &boolean);
    }
    default:
        /* Numbers have the same form in memory on both sides. */
        return sd_bus_message_append_basic(m, type, g_variant_get_data(value));
    }
}

static int append_entry(sd_bus_message *m, const char *key, GVariant *value)
{
    int r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0)
        r = append_string(m, key);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', g_variant_get_type_string(value));
    if (r >= 0)
        r = bus_append_variant(m, value);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

/* A List has some thousands of these: child by child they would cost twice as much. */
static int append_entries(sd_bus_message *m, GVariant *dict)
{
    GVariantIter iter;
    const char *key;
    GVariant *value;
    int r = 0;
    g_variant_iter_init(&iter, dict);
    while (r >= 0 && g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
        r = append_entry(m, key, value);
        g_variant_unref(value);
    }
    return r;
}

int bus_append_children(sd_bus_message *m, GVariant *value)
{
    int r = 0;
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT))
        return append_entries(m, value);
    for (gsize i = 0; r >= 0 && i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        r = bus_append_variant(m, child);
    }
    return r;
}

static int append_container(sd_bus_message *m, char type, const char *contents, GVariant *value)
{
    int r = sd_bus_message_open_container(m, type, contents);
    if (r >= 0)
        r = bus_append_children(m, value);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

int bus_append_variant(sd_bus_message *m, GVariant *value)
{
    const char *type = g_variant_get_type_string(value);
    g_autofree char *inner = NULL;
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_VARIANT: {
        g_autoptr(GVariant) child = g_variant_get_variant(value);
        return append_container(m, 'v', g_variant_get_type_string(child), value);
    }
    case G_VARIANT_CLASS_ARRAY:
        return append_container(m, 'a', type + 1, value);
    case G_VARIANT_CLASS_TUPLE:
        inner = g_strndup(type + 1, strlen(type) - 2);
        return append_container(m, 'r', inner, value);
    case G_VARIANT_CLASS_DICT_ENTRY:
        inner = g_strndup(type + 1, strlen(type) - 2);
        return append_container(m, 'e', inner, value);
    default:
        return append_basic(m, value);
    }
}

/* --- Reading --- */

/* A message may have 128 MiB; as variants that many bytes would be gigabytes, and the bus would
 * wait for them. No call has a reason to hold as many values as this. */
#define MAX_VALUES 10000u

static int read_value(sd_bus_message *m, guint *budget, GVariant **ret_value);

static GVariant *basic_to_variant(char type, const void *p)
{
    switch (type) {
    case 'y':
        return g_variant_new_byte(*(const guint8 *)p);
    case 'b':
        return g_variant_new_boolean(*(const int *)p);
    case 'n':
        return g_variant_new_int16(*(const gint16 *)p);
    case 'q':
        return g_variant_new_uint16(*(const guint16 *)p);
    case 'i':
        return g_variant_new_int32(*(const gint32 *)p);
    case 'u':
        return g_variant_new_uint32(*(const guint32 *)p);
    case 'x':
        return g_variant_new_int64(*(const gint64 *)p);
    case 't':
        return g_variant_new_uint64(*(const guint64 *)p);
    case 'd':
        return g_variant_new_double(*(const double *)p);
    case 's':
        return g_variant_new_string(*(const char *const *)p);
    case 'o':
        return g_variant_new_object_path(*(const char *const *)p);
    case 'g':
        return g_variant_new_signature(*(const char *const *)p);
    case 'h': /* the number only: whoever takes it for a value refuses it */
        return g_variant_new_handle(*(const int *)p);
    default:
        return NULL;
    }
}

static int read_basic(sd_bus_message *m, char type, GVariant **ret_value)
{
    union {
        guint64 number;
        const char *string;
    } value;
    int r = sd_bus_message_read_basic(m, type, &value);
    if (r < 0)
        return r;
    *ret_value = basic_to_variant(type, &value);
    return *ret_value ? 0 : -EOPNOTSUPP;
}

static int read_elements(sd_bus_message *m, guint *budget, GVariantBuilder *builder)
{
    int r;
    while ((r = sd_bus_message_at_end(m, FALSE)) == 0) {
        GVariant *element = NULL;
        r = read_value(m, budget, &element);
        if (r < 0)
            return r;
        g_variant_builder_add_value(builder, element);
    }
    return r;
}

static int read_container(sd_bus_message *m, char type, const char *contents, guint *budget,
                          GVariant **ret_value)
{
    g_autofree char *full = type == 'a'   ? g_strdup_printf("a%s", contents)
                            : type == 'e' ? g_strdup_printf("{%s}", contents)
                                          : g_strdup_printf("(%s)", contents);
    int r = sd_bus_message_enter_container(m, type, contents);
    if (r < 0)
        return r;
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE(full));
    r = read_elements(m, budget, &builder);
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0) {
        g_variant_builder_clear(&builder);
        return r;
    }
    *ret_value = g_variant_builder_end(&builder);
    return 0;
}

static int read_boxed(sd_bus_message *m, const char *contents, guint *budget, GVariant **ret_value)
{
    GVariant *value = NULL;
    int r = sd_bus_message_enter_container(m, 'v', contents);
    if (r >= 0)
        r = read_value(m, budget, &value);
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0) {
        if (value)
            g_variant_unref(g_variant_ref_sink(value));
        return r;
    }
    *ret_value = g_variant_new_variant(value);
    return 0;
}

static int read_value(sd_bus_message *m, guint *budget, GVariant **ret_value)
{
    char type;
    const char *contents;
    int r = sd_bus_message_peek_type(m, &type, &contents);
    if (r <= 0)
        return r < 0 ? r : -ENXIO;
    if ((*budget)-- == 0)
        return -E2BIG;
    if (type == 'v')
        return read_boxed(m, contents, budget, ret_value);
    if (type == 'a' || type == 'r' || type == 'e')
        return read_container(m, type, contents, budget, ret_value);
    return read_basic(m, type, ret_value);
}

int bus_read_dict(sd_bus_message *m, GVariant **ret_dict)
{
    GVariant *dict = NULL;
    guint budget = MAX_VALUES;
    int r = read_value(m, &budget, &dict);
    if (r < 0)
        return r;
    *ret_dict = g_variant_ref_sink(dict);
    return 0;
}

/* In an entry, after its key. */
static int read_boxed_value(sd_bus_message *m, GVariant **ret_value)
{
    guint budget = MAX_VALUES;
    GVariant *boxed = NULL;
    int r = read_value(m, &budget, &boxed);
    if (r < 0)
        return r;
    g_variant_ref_sink(boxed);
    *ret_value = g_variant_get_variant(boxed);
    g_variant_unref(boxed);
    return 0;
}

int bus_read_entry(sd_bus_message *m, const char *key, GVariant **ret_value)
{
    g_autoptr(GVariant) value = NULL;
    const char *name;
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        r = sd_bus_message_read_basic(m, 's', &name);
        if (r >= 0)
            r = !value && g_str_equal(name, key) ? read_boxed_value(m, &value)
                                                 : sd_bus_message_skip(m, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r >= 0)
        *ret_value = g_steal_pointer(&value);
    return r < 0 ? r : 0;
}
