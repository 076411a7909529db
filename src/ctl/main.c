/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/options.h"
#include "ctl/storkitctl-version.h"
#include "ctl/text.h"
#include "ctl/verb.h"

#define COMPLETE_VERB "_complete"
#define USAGE_WIDTH 26

static gboolean arg_help, arg_version;

const VerbGroup verb_groups[] = {
    {"Runs", (const Verb *const[]){&list_verb, &show_verb, &start_verb, &resume_verb, &stop_verb,
                                   &freeze_verb, &thaw_verb, NULL}},
    {"Following and steering", (const Verb *const[]){&top_verb, &watch_verb, &wait_verb, &log_verb,
                                                     &attach_verb, &send_verb, NULL}},
    {"Worktrees", (const Verb *const[]){&worktrees_verb, &diff_verb, &remove_verb, NULL}},
    {"The project", (const Verb *const[]){&config_verb, NULL}},
    {NULL, NULL},
};

const Verb *verb_find(const char *name)
{
    for (const VerbGroup *group = verb_groups; group->verbs; group++)
        for (const Verb *const *verb = group->verbs; *verb; verb++)
            if (g_str_equal((*verb)->name, name))
                return *verb;
    return NULL;
}

gboolean verb_check_lines(int lines, GError **error)
{
    if (lines >= 0)
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "--lines=%d makes no sense: it takes how many to begin with, 0 or more", lines);
    return FALSE;
}

/* Text is of type FILENAME here and in the options of verbs: one of type STRING is refused where
 * the locale's encoding lacks a character of it, and the bus wants UTF-8 in any. */
const GOptionEntry *global_options(Ctl *ctl)
{
    static GOptionEntry options[9];
    const GOptionEntry filled[] = {
        {"project", 'C', 0, G_OPTION_ARG_FILENAME, &ctl->directory,
         "The project: act as if called in DIR", "DIR"},
        {"agent", 'a', 0, G_OPTION_ARG_FILENAME, &ctl->agent, "The agent, where RUN names none",
         "AGENT"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &ctl->json, "Print JSON, for programs", NULL},
        {"no-pager", 0, 0, G_OPTION_ARG_NONE, &ctl->no_pager, "Start no pager", NULL},
        {"no-legend", 0, 0, G_OPTION_ARG_NONE, &ctl->no_legend,
         "Print no headers and totals around tables", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &ctl->quiet,
         "No confirmations, no progress, no endings", NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &arg_help, "Show this help", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &arg_version, "Show the version", NULL},
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

/* The options of @verb (NULL: none), and those of every verb. */
static GOptionContext *option_context(Ctl *ctl, const Verb *verb)
{
    GOptionContext *context = g_option_context_new(verb ? verb->synopsis : "[COMMAND…]");

    g_option_context_set_help_enabled(context, FALSE);
    if (verb && verb->options)
        add_options(context, "Options:", verb->options);
    add_options(context, verb ? "Options of every command:" : "Options:", global_options(ctl));
    return context;
}

static void append_verb(GString *text, const Verb *verb)
{
    g_autofree char *usage = g_strdup_printf("%s %s", verb->name, verb->synopsis);

    g_string_append(text, "  ");
    text_append_padded(text, usage, USAGE_WIDTH, FALSE);
    g_string_append_printf(text, " %s\n", verb->summary);
}

static char *list_of_verbs(void)
{
    GString *text = g_string_new("Run coding agents on stories, many at a time.\n");

    for (const VerbGroup *group = verb_groups; group->verbs; group++) {
        g_string_append_printf(text, "\n%s:\n", group->title);
        for (const Verb *const *verb = group->verbs; *verb; verb++)
            append_verb(text, *verb);
    }
    g_string_append(text, "\nA RUN is STORY or STORY/AGENT; either may be shortened.");
    return g_string_free(text, FALSE);
}

static int print_help(Ctl *ctl, const Verb *verb)
{
    g_autoptr(GOptionContext) context = option_context(ctl, verb);
    g_autofree char *name =
        g_strdup_printf("storkitctl%s%s", verb ? " " : "", verb ? verb->name : "");
    g_autofree char *summary = verb ? g_strconcat(verb->summary, ".", NULL) : list_of_verbs();

    g_set_prgname(name);
    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, "storkitctl(1) has more, exit statuses included.");
    g_autofree char *help = g_option_context_get_help(context, FALSE, NULL);
    fputs(help, stdout);
    return EXIT_SUCCESS;
}

static gboolean set_usage(GError **error, const Verb *verb, const char *problem)
{
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "%s: `storkitctl%s%s --help` shows what it takes", problem, verb ? " " : "",
                verb ? verb->name : "");
    return FALSE;
}

/* Takes the options off @argv. Without @verb those before it only. */
static gboolean parse_options(Ctl *ctl, const Verb *verb, char ***argv, GError **error)
{
    g_autoptr(GOptionContext) context = option_context(ctl, verb);
    g_autoptr(GError) problem = NULL;

    g_option_context_set_strict_posix(context, verb == NULL);
    if (g_option_context_parse_strv(context, argv, &problem))
        return TRUE;
    return set_usage(error, verb, problem->message);
}

/* Words after "--" of a verb that passes them on. */
static char **split_passed(const Verb *verb, char **words)
{
    for (gsize i = 0; verb->passes_on && words[i]; i++) {
        if (!g_str_equal(words[i], "--"))
            continue;
        char **passed = g_strdupv(words + i + 1);
        for (gsize j = i; words[j]; j++)
            g_clear_pointer(&words[j], g_free);
        return passed;
    }
    return g_new0(char *, 1);
}

static void drop_separator(char **words)
{
    gsize i = 0;

    while (words[i] && !g_str_equal(words[i], "--"))
        i++;
    if (!words[i])
        return;
    g_free(words[i]);
    memmove(words + i, words + i + 1, (g_strv_length(words + i + 1) + 1) * sizeof(char *));
}

static gboolean check_count(const Verb *verb, char **arguments, GError **error)
{
    guint n = g_strv_length(arguments);

    if (n < verb->least)
        return set_usage(error, verb, "an argument is missing");
    if (n > verb->most)
        return set_usage(error, verb, "too many arguments");
    return TRUE;
}

static int print_version(void)
{
    puts("storkitctl " STORKITCTL_VERSION);
    return EXIT_SUCCESS;
}

/* @words begins with the verb. */
static int run_verb(Ctl *ctl, const Verb *verb, char **words, GError **error)
{
    g_auto(GStrv) argv = options_split(ctl, verb, words, error);

    if (!argv)
        return -1;
    g_auto(GStrv) passed = split_passed(verb, argv);
    if (!parse_options(ctl, verb, &argv, error))
        return -1;
    if (arg_version)
        return print_version();
    if (arg_help)
        return print_help(ctl, verb);
    drop_separator(argv);
    if (!check_count(verb, argv + 1, error))
        return -1;
    if (!verb->offline && !ctl_open(ctl, error))
        return -1;
    return verb->run(ctl, argv + 1, passed, error);
}

static int run(Ctl *ctl, char **words, GError **error)
{
    g_auto(GStrv) argv = options_split(ctl, NULL, words, error);
    char *alone[] = {(char *)list_verb.name, NULL};

    if (!argv)
        return -1;
    if (argv[1] && g_str_equal(argv[1], COMPLETE_VERB))
        return complete(ctl, argv + 2);
    if (!parse_options(ctl, NULL, &argv, error))
        return -1;
    if (arg_version)
        return print_version();
    if (arg_help)
        return print_help(ctl, NULL);
    if (!argv[1])
        return run_verb(ctl, &list_verb, alone, error);
    const Verb *verb = verb_find(argv[1]);
    if (verb)
        return run_verb(ctl, verb, argv + 1, error);
    g_autofree char *problem = g_strdup_printf("“%s” is no command", argv[1]);
    set_usage(error, NULL, problem);
    return -1;
}

/* What was printed may not have got anywhere: a full disk, a pipe that nobody reads. */
static int finish_output(int status)
{
    g_autoptr(GError) error = NULL;

    if (ctl_flush_output(&error))
        return status;
    ctl_warn("%s", error->message);
    return ctl_error_exit_status(error);
}

int main(int argc, char *argv[])
{
    g_autoptr(GError) error = NULL;
    g_auto(Ctl) ctl = {0};

    setlocale(LC_ALL, "");
    int status = run(&ctl, argv, &error);
    if (!error)
        return finish_output(status);
    ctl_warn("%s", error->message);
    return ctl_error_exit_status(error);
}
