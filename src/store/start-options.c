/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/start-options.h"

#include <string.h>

#include "agents/command.h"
#include "base/error.h"
#include "base/names.h"

/* Longer values are never valid: no CLI has longer session ids, no forge longer branches. They
 * would end up in run.json and in messages. */
#define SESSION_MAX 256
#define BRANCH_MAX 255
#define LIMIT_TEXT_MAX 64

/* What Linux takes: one variable has at most MAX_ARG_STRLEN with its NUL, and the agent's login
 * environment and command line have to fit beside all of them. */
#define VARIABLE_MAX (128u * 1024 - 1)
#define VARIABLES_MAX (1024u * 1024)
#define VARIABLES_COUNT_MAX 1024u

StartOptions *start_options_new(void)
{
    StartOptions *options = g_new0(StartOptions, 1);
    limits_init(&options->limits);
    return options;
}

void start_options_free(StartOptions *options)
{
    if (!options)
        return;
    g_free(options->prompt);
    g_free(options->resume);
    g_free(options->base_branch);
    g_strfreev(options->env);
    lease_free(options->lease);
    g_free(options);
}

StartOptions *start_options_copy(const StartOptions *options)
{
    StartOptions *copy = g_new0(StartOptions, 1);
    copy->prompt = g_strdup(options->prompt);
    copy->resume = g_strdup(options->resume);
    copy->base_branch = g_strdup(options->base_branch);
    copy->env = g_strdupv(options->env);
    copy->limits = options->limits;
    copy->sandbox = options->sandbox;
    copy->leased = options->leased;
    copy->lease = lease_copy(options->lease);
    return copy;
}

/* A key is whatever the client sent. */
static gboolean refuse(GError **error, const char *key, const char *what)
{
    g_autofree char *shown = name_for_message(key);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT, "option '%s' %s", shown,
                what);
    return FALSE;
}

static gboolean check_string(const char *key, GVariant *value, GError **error)
{
    return g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) ||
           refuse(error, key, "must be a string (s)");
}

static gboolean take_prompt(StartOptions *options, const char *key, GVariant *value, GError **error)
{
    if (!check_string(key, value, error))
        return FALSE;
    const char *text = g_variant_get_string(value, NULL);
    if (strlen(text) > PROMPT_MAX)
        return refuse(error, key,
                      "is larger than 4 MiB: put the text into a file in the worktree and tell the "
                      "agent to read it");
    /* Empty, as where a form was left blank: the agent's own. */
    options->prompt = *text ? g_strdup(text) : NULL;
    return TRUE;
}

static gboolean has_control_character(const char *text)
{
    for (; *text; text++)
        if (g_ascii_iscntrl(*text))
            return TRUE;
    return FALSE;
}

/* A word that ends up in a command line or in git's config. */
static gboolean take_word(char **to, const char *key, GVariant *value, gsize max, GError **error)
{
    if (!check_string(key, value, error))
        return FALSE;
    const char *text = g_variant_get_string(value, NULL);
    if (*text == '\0')
        return refuse(error, key, "must not be empty: leave it out");
    if (strlen(text) > max)
        return refuse(error, key, "is too long");
    if (has_control_character(text))
        return refuse(error, key, "must not hold control characters");
    if (*text == '-')
        return refuse(error, key, "must not begin with '-'");
    *to = g_strdup(text);
    return TRUE;
}

static gboolean check_variable(const char *name, const char *text, gsize total, GError **error)
{
    if (!environment_name_is_valid(name))
        return refuse(error, "env", "has a name that is not valid for an environment variable");
    if (strlen(name) + 1 + strlen(text) > VARIABLE_MAX)
        return refuse(
            error, "env",
            "has a variable of 128 KiB or more, which Linux does not allow: put it into a "
            "file");
    return total <= VARIABLES_MAX || refuse(error, "env", "holds more than 1 MiB");
}

static gboolean take_env(StartOptions *options, GVariant *value, GError **error)
{
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE("a{ss}")))
        return refuse(error, "env", "must be a dictionary of strings (a{ss})");
    if (g_variant_n_children(value) > VARIABLES_COUNT_MAX)
        return refuse(error, "env", "holds more than 1024 variables");
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    GVariantIter iter;
    const char *name, *text;
    gsize total = 0;
    g_variant_iter_init(&iter, value);
    while (g_variant_iter_next(&iter, "{&s&s}", &name, &text)) {
        total += strlen(name) + 1 + strlen(text);
        if (!check_variable(name, text, total, error))
            return FALSE;
        g_autofree char *pair = g_strdup_printf("%s=%s", name, text);
        g_strv_builder_add(builder, pair);
    }
    options->env = g_strv_builder_end(builder);
    return TRUE;
}

static gboolean take_limit_text(Limits *limits, const char *key, const char *text, GError **error)
{
    if (strlen(text) > LIMIT_TEXT_MAX)
        return refuse(error, key, "is too long: write it like '4G', '150%' or '1h 30m'");
    return limits_set(limits, key, text, error);
}

/* "4G", or a number of the unit that the config's integers have. */
static gboolean take_limit(Limits *limits, const char *key, GVariant *value, GError **error)
{
    g_autofree char *number = NULL;
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return take_limit_text(limits, key, g_variant_get_string(value, NULL), error);
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_BYTE: /* g_variant_print() writes it as "0x05" */
        number = g_strdup_printf("%u", g_variant_get_byte(value));
        return limits_set(limits, key, number, error);
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_UINT32:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
        number = g_variant_print(value, FALSE);
        return limits_set(limits, key, number, error);
    default:
        return refuse(error, key, "must be a string such as '4G', or an integer");
    }
}

static gboolean take_sandbox(StartOptions *options, const char *key, GVariant *value,
                             GError **error)
{
    if (!check_string(key, value, error))
        return FALSE;
    return sandbox_mode_from_string(g_variant_get_string(value, NULL), &options->sandbox) ||
           refuse(error, key, "must be 'none', 'worktree' or 'required'");
}

static gboolean take_lease(StartOptions *options, const char *key, GVariant *value, GError **error)
{
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN))
        return refuse(error, key, "must be a boolean (b)");
    options->leased = g_variant_get_boolean(value);
    return TRUE;
}

gboolean start_options_set_caller(StartOptions *options, pid_t pid, GError **error)
{
    if (!options->leased)
        return TRUE;
    options->lease = lease_of_process(pid);
    return options->lease || refuse(error, "lease",
                                    "needs a process of this machine that waits for the reply: the "
                                    "caller's is gone, or the bus does not know it");
}

static gboolean take_option(StartOptions *options, const char *key, GVariant *value, GError **error)
{
    if (g_str_equal(key, "prompt"))
        return take_prompt(options, key, value, error);
    if (g_str_equal(key, "resume"))
        return take_word(&options->resume, key, value, SESSION_MAX, error);
    if (g_str_equal(key, "base_branch"))
        return take_word(&options->base_branch, key, value, BRANCH_MAX, error);
    if (g_str_equal(key, "env"))
        return take_env(options, value, error);
    if (g_str_equal(key, "sandbox"))
        return take_sandbox(options, key, value, error);
    if (g_str_equal(key, "lease"))
        return take_lease(options, key, value, error);
    if (limits_has_key(key))
        return take_limit(&options->limits, key, value, error);
    return refuse(
        error, key,
        "is unknown: the options are prompt, resume, base_branch, env, sandbox, lease and "
        "the limits of the configuration");
}

StartOptions *start_options_parse(GVariant *dict, GError **error)
{
    g_autoptr(StartOptions) options = start_options_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GVariantIter iter;
    const char *key;
    GVariant *value;
    gboolean fine = TRUE;
    g_variant_iter_init(&iter, dict);
    while (fine && g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
        fine = g_hash_table_add(seen, g_strdup(key)) ? take_option(options, key, value, error)
                                                     : refuse(error, key, "is given twice");
        g_variant_unref(value);
    }
    return fine ? g_steal_pointer(&options) : NULL;
}
