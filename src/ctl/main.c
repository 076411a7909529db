/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/help.h"
#include "ctl/hosts/names.h"
#include "ctl/options.h"
#include "ctl/project.h"
#include "ctl/remote.h"
#include "ctl/slurm/there.h"
#include "ctl/storkitctl-version.h"
#include "ctl/verb.h"

#define COMPLETE_VERB "_complete"

static gboolean set_usage(GError **error, const Verb *verb, const char *problem)
{
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "%s: see `storkitctl%s%s --help`", problem,
                verb ? " " : "", verb ? verb->name : "");
    return FALSE;
}

static void set_unknown(GError **error, const char *word)
{
    const char *nearest = verb_nearest(word);
    g_autofree char *problem =
        nearest ? g_strdup_printf("unknown command '%s'; did you mean %s?", word, nearest)
                : g_strdup_printf("unknown command '%s'", word);
    if (nearest)
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE, problem);
    else
        set_usage(error, NULL, problem);
}

/* Takes the options off @argv. Without @verb those before it only. */
static gboolean parse_options(Ctl *ctl, const Verb *verb, char ***argv, GError **error)
{
    g_autoptr(GOptionContext) context = options_context(ctl, verb);
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

static int print_help(Ctl *ctl, const Verb *verb)
{
    help_print(ctl, verb);
    return EXIT_SUCCESS;
}

static int print_version(void)
{
    puts("storkitctl " STORKITCTL_VERSION);
    return EXIT_SUCCESS;
}

static int set_one_host_only(const Verb *verb, GError **error)
{
    g_autoptr(GString) able = g_string_new(NULL);
    for (const VerbGroup *group = verb_groups; group->verbs; group++)
        for (const Verb *const *other = group->verbs; *other; other++)
            if ((*other)->run_on_hosts)
                g_string_append_printf(able, "%s%s", able->len > 0 ? ", " : "", (*other)->name);
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "%s takes one host: these take several: %s",
                verb->name, able->str);
    return -1;
}

/* The folder of -C is there, not here. */
static int call_on_hosts(Ctl *ctl, const Verb *verb, char **arguments, GError **error)
{
    if (!verb->run_on_hosts)
        return set_one_host_only(verb, error);
    if (!ctl->directory && !ctl_find_project(ctl, error))
        return -1;
    return verb->run_on_hosts(ctl, arguments, error);
}

/* @all begins with the program. */
static int call_elsewhere(Ctl *ctl, const Verb *verb, char **arguments, char **all, GError **error)
{
    if (ctl->many)
        return call_on_hosts(ctl, verb, arguments, error);
    if (!verb->here)
        return remote_run(ctl, verb, arguments, all + 1, error);
    return project_find(".", &ctl->project, &ctl->story, error)
               ? verb->run(ctl, arguments, NULL, error)
               : -1;
}

/* A run that is not here may be in a job of Slurm. */
static int call_here(Ctl *ctl, const Verb *verb, char **arguments, char **passed, char **all,
                     GError **error)
{
    g_autoptr(GError) problem = NULL;
    int status = verb->run(ctl, arguments, passed, &problem);
    if (problem && slurm_try_there(ctl, verb, arguments, all + 1, problem, error))
        g_propagate_error(error, g_steal_pointer(&problem));
    return status;
}

/* @words begins with the verb, @all with the program. */
static int call_verb(Ctl *ctl, const Verb *verb, char **words, char **all, GError **error)
{
    g_auto(GStrv) argv = options_split(ctl, verb, words, error);
    if (!argv)
        return -1;
    g_auto(GStrv) passed = split_passed(verb, argv);
    if (!parse_options(ctl, verb, &argv, error))
        return -1;
    if (ctl->version)
        return print_version();
    if (ctl->help)
        return print_help(ctl, verb);
    drop_separator(argv);
    if (!check_count(verb, argv + 1, error))
        return -1;
    if (ctl->host && !(ctl->hosts = hosts_resolve(ctl->host, error)))
        return -1;
    /* Scripts get the same form from "all", however many hosts the file names. */
    ctl->many =
        ctl->host && (ctl->hosts[1] || (hosts_are_all(ctl->host) && verb->run_on_hosts != NULL));
    if (ctl->host && (ctl->many || !hosts_is_here(ctl->hosts[0])))
        return call_elsewhere(ctl, verb, argv + 1, all, error);
    if (!verb->offline && !ctl_open(ctl, error))
        return -1;
    return call_here(ctl, verb, argv + 1, passed, all, error);
}

/* "help list" is "list --help", "help" is "--help". */
static int run_option(Ctl *ctl, const Verb *verb, char **words, GError **error)
{
    g_auto(GStrv) argv = options_split(ctl, verb, words, error);
    if (!argv || !parse_options(ctl, verb, &argv, error) || !check_count(verb, argv + 1, error))
        return -1;
    if (ctl->help)
        return print_help(ctl, verb);
    if (g_str_equal(verb->stands_for, "--version"))
        return print_version();
    const Verb *about = argv[1] ? verb_find(argv[1]) : NULL;
    if (!argv[1] || about)
        return print_help(ctl, about);
    set_unknown(error, argv[1]);
    return -1;
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
    if (ctl->version)
        return print_version();
    if (ctl->help)
        return print_help(ctl, NULL);
    if (!argv[1])
        return call_verb(ctl, &list_verb, alone, words, error);
    const Verb *verb = verb_find(argv[1]);
    if (verb)
        return verb->stands_for ? run_option(ctl, verb, argv + 1, error)
                                : call_verb(ctl, verb, argv + 1, words, error);
    set_unknown(error, argv[1]);
    return -1;
}

/* The output may be lost: a full disk, a pipe that nobody reads. */
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
