/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start-options.h"

#include "error.h"
#include "names.h"

static gboolean refuse(GError **error, const char *key, const char *what)
{
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT, "option '%s' %s", key, what);
    return FALSE;
}

static gboolean take_string(char **to, const char *key, GVariant *value, GError **error)
{
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return refuse(error, key, "must be a string (s)");
    if (*g_variant_get_string(value, NULL))
        *to = g_variant_dup_string(value, NULL);
    return TRUE;
}

static gboolean take_env(StartOptions *options, GVariant *value, GError **error)
{
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE("a{ss}")))
        return refuse(error, "env", "must be a dictionary of strings (a{ss})");
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    GVariantIter iter;
    const char *name, *text;
    g_variant_iter_init(&iter, value);
    while (g_variant_iter_next(&iter, "{&s&s}", &name, &text)) {
        if (!environment_name_is_valid(name))
            return refuse(error, "env", "has a name that no environment variable can have");
        g_autofree char *pair = g_strdup_printf("%s=%s", name, text);
        g_strv_builder_add(builder, pair);
    }
    options->env = g_strv_builder_end(builder);
    return TRUE;
}

/* "4G", or a number of the unit that the config's integers have. */
static gboolean take_limit(Limits *limits, const char *key, GVariant *value, GError **error)
{
    g_autofree char *number = NULL;
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return limits_set(limits, key, g_variant_get_string(value, NULL), error);
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_BYTE:
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_UINT32:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
        number = g_variant_print(value, FALSE);
        return limits_set(limits, key, number, error);
    default:
        return refuse(error, key, "must be a string such as \"4G\", or an integer");
    }
}

static gboolean take_option(StartOptions *options, const char *key, GVariant *value, GError **error)
{
    if (g_str_equal(key, "prompt"))
        return take_string(&options->prompt, key, value, error);
    if (g_str_equal(key, "resume"))
        return take_string(&options->resume, key, value, error);
    if (g_str_equal(key, "base_branch"))
        return take_string(&options->base_branch, key, value, error);
    if (g_str_equal(key, "env"))
        return take_env(options, value, error);
    if (limits_has_key(key))
        return take_limit(&options->limits, key, value, error);
    return refuse(error, key,
                  "is unknown: there are prompt, resume, base_branch, env and the limits of the "
                  "config");
}

StartOptions *start_options_parse(GVariant *dict, GError **error)
{
    g_autoptr(StartOptions) options = start_options_new();
    GVariantIter iter;
    const char *key;
    GVariant *value;
    gboolean fine = TRUE;
    g_variant_iter_init(&iter, dict);
    while (fine && g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
        fine = take_option(options, key, value, error);
        g_variant_unref(value);
    }
    return fine ? g_steal_pointer(&options) : NULL;
}
