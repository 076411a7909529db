/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/options.h"

#include <string.h>

gboolean verb_check_lines(int lines, GError **error)
{
    if (lines >= 0)
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "--lines=%d is not a valid count: give 0 or more", lines);
    return FALSE;
}

/* Text is of type FILENAME here and in the options of verbs: one of type STRING is refused where
 * the locale's encoding lacks a character of it, and the bus wants UTF-8 in any. */
const GOptionEntry *global_options(Ctl *ctl)
{
    static GOptionEntry options[10];
    const GOptionEntry filled[] = {
        {"project", 'C', 0, G_OPTION_ARG_FILENAME, &ctl->directory, "Act as if called in DIR",
         "DIR"},
        {"agent", 'a', 0, G_OPTION_ARG_FILENAME, &ctl->agent, "The agent, if RUN does not name one",
         "AGENT"},
        {"host", 'H', 0, G_OPTION_ARG_FILENAME, &ctl->host, "Do it on other machines, over ssh",
         "HOST[,…]"},
        {"json", 'j', 0, G_OPTION_ARG_NONE, &ctl->json, "Print JSON, for programs", NULL},
        {"no-pager", 0, 0, G_OPTION_ARG_NONE, &ctl->no_pager, "Do not use a pager", NULL},
        {"no-legend", 0, 0, G_OPTION_ARG_NONE, &ctl->no_legend,
         "Print tables without header and total", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &ctl->quiet,
         "Print no confirmations, progress or endings", NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &ctl->help, "Show this help", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &ctl->version, "Show the version", NULL},
        {NULL},
    };
    G_STATIC_ASSERT(G_N_ELEMENTS(filled) == G_N_ELEMENTS(options));
    memcpy(options, filled, sizeof(filled));
    return options;
}

static void add_options(GOptionContext *context, const char *title, const GOptionEntry *options)
{
    GOptionGroup *group = g_option_group_new(title, title, "", NULL, NULL);
    g_option_group_add_entries(group, options);
    g_option_context_add_group(context, group);
}

GOptionContext *options_context(Ctl *ctl, const Verb *verb)
{
    GOptionContext *context = g_option_context_new(verb ? verb->synopsis : "[COMMAND…]");
    g_option_context_set_help_enabled(context, FALSE);
    if (verb && verb->options)
        add_options(context, "Options:", verb->options);
    add_options(context, verb ? "Options of every command:" : "Options:", global_options(ctl));
    return context;
}

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
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "--%s takes no value, not even '%s'",
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
