/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/options.h"

#include <string.h>

static gboolean takes_value(const GOptionEntry *option)
{
    return option->arg != G_OPTION_ARG_NONE;
}

static const GOptionEntry *find_short(const GOptionEntry *options, char letter)
{
    for (; options && options->long_name; options++)
        if (options->short_name == letter && takes_value(options))
            return options;
    return NULL;
}

static const GOptionEntry *find_long(const GOptionEntry *options, const char *name, gsize length)
{
    for (; options && options->long_name; options++)
        if (strlen(options->long_name) == length && strncmp(options->long_name, name, length) == 0)
            return options;
    return NULL;
}

/* The option of every verb, or of @verb, that the word --NAME or --NAME=VALUE begins with. */
static const GOptionEntry *find_in_word(Ctl *ctl, const Verb *verb, const char *word)
{
    const char *name = word + 2;
    gsize length = strcspn(name, "=");
    return find_long(global_options(ctl), name, length)
               ?: find_long(verb ? verb->options : NULL, name, length);
}

/* In "-qp" it is p, in "-pq" too, with the value "q". */
static const GOptionEntry *find_in_cluster(Ctl *ctl, const Verb *verb, const char *word,
                                           const char **ret_value)
{
    for (const char *p = word + 1; *p; p++) {
        const GOptionEntry *option =
            find_short(global_options(ctl), *p) ?: find_short(verb ? verb->options : NULL, *p);
        if (!option)
            continue;
        *ret_value = p[1] ? p + 1 : NULL;
        return option;
    }
    return NULL;
}

const GOptionEntry *options_find_valued(Ctl *ctl, const Verb *verb, const char *word,
                                        const char **ret_value)
{
    *ret_value = NULL;
    if (word[0] != '-' || g_str_equal(word, "--"))
        return NULL;
    if (word[1] != '-')
        return find_in_cluster(ctl, verb, word, ret_value);

    const GOptionEntry *option = find_in_word(ctl, verb, word);
    if (!option || !takes_value(option))
        return NULL;
    const char *equals = strchr(word, '=');
    *ret_value = equals ? equals + 1 : NULL;
    return option;
}

static void add_words(GPtrArray *to, char *const *words)
{
    for (gsize i = 0; words[i]; i++)
        g_ptr_array_add(to, g_strdup(words[i]));
}

/* GOption drops the value of a flag: `remove --force=no` would remove. */
static gboolean check_flag(Ctl *ctl, const Verb *verb, const char *word, GError **error)
{
    if (!g_str_has_prefix(word, "--") || !strchr(word, '='))
        return TRUE;
    const GOptionEntry *option = find_in_word(ctl, verb, word);
    if (!option || takes_value(option))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "--%s takes no value, not even “%s”",
                option->long_name, strchr(word, '=') + 1);
    return FALSE;
}

char **options_split(Ctl *ctl, const Verb *verb, char *const *words, GError **error)
{
    g_autoptr(GPtrArray) split = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(split, g_strdup(*words++)); /* the program, or the verb */
    for (; *words && !g_str_equal(*words, "--") && (verb || **words == '-'); words++) {
        const char *word = *words, *value;
        if (!check_flag(ctl, verb, word, error))
            return NULL;
        const GOptionEntry *option = options_find_valued(ctl, verb, word, &value);
        gboolean attached = option && value && word[1] != '-';
        g_ptr_array_add(split, attached ? g_strndup(word, value - word) : g_strdup(word));
        if (attached)
            g_ptr_array_add(split, g_strdup(value));
        else if (option && !value && words[1])
            g_ptr_array_add(split, g_strdup(*++words));
    }
    add_words(split, words);
    g_ptr_array_add(split, NULL);
    return (char **)g_ptr_array_steal(split, NULL);
}
