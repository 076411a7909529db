/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/journal.h"
#include "ctl/options.h"
#include "ctl/select.h"
#include "ctl/verb.h"

/*
 * The journal, shown by journalctl itself: it needs no running service.
 */

static gboolean arg_follow;
static int arg_lines = LINES_ALL;

static void add(GPtrArray *argv, const char *argument)
{
    g_ptr_array_add(argv, g_strdup(argument));
}

static void add_match(GPtrArray *argv, const char *field, const char *value)
{
    if (value)
        g_ptr_array_add(argv, g_strdup_printf("%s=%s", field, value));
}

static gboolean names_priority(char *const *passed)
{
    for (gsize i = 0; passed[i]; i++)
        if (g_str_has_prefix(passed[i], "-p") || g_str_has_prefix(passed[i], "--pri"))
            return TRUE;
    return FALSE;
}

static GPtrArray *journalctl(const Ctl *ctl, char *const *passed)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    add(argv, "journalctl");
    add(argv, "--user");
    if (ctl->no_pager)
        add(argv, "--no-pager");
    if (ctl->quiet)
        add(argv, "--quiet");
    if (ctl->json) {
        add(argv, "--output=json");
        add(argv, "--all");
    }
    if (arg_follow)
        add(argv, "--follow");
    if (arg_lines < LINES_ALL)
        g_ptr_array_add(argv, g_strdup_printf("--lines=%d", arg_lines));
    if (!names_priority(passed)) /* the JSON of an agent is for debugging */
        add(argv, "--priority=info");
    for (gsize i = 0; passed[i]; i++)
        add(argv, passed[i]);
    return argv;
}

/* The runs that the service lists; NULL where it does not run, or hangs. */
static GPtrArray *list_quickly(Ctl *ctl)
{
    g_autoptr(JsonNode) list = ctl->bus ? bus_ask_quickly(ctl->bus, "List", NULL) : NULL;
    return list ? run_info_list_from_json(list, ctl->project) : NULL;
}

/* The story's full name where it is one of @listed; the journal remembers those that the service
 * has forgotten, and is there when the service is not. Fails for a name that may be several
 * stories'.
 */
static gboolean split_argument(Ctl *ctl, GPtrArray *listed, const char *argument, char **ret_story,
                               char **ret_agent, GError **error)
{
    char *const arguments[] = {(char *)argument, NULL};
    g_autoptr(GError) problem = NULL;
    g_autoptr(GPtrArray) runs =
        listed ? select_listed(ctl, listed, arguments, SELECT_ALL_AGENTS, &problem) : NULL;
    if (g_error_matches(problem, CTL_ERROR, CTL_ERROR_USAGE)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    select_split(ctl, argument, ret_story, ret_agent);
    if (!runs)
        return TRUE;
    const RunInfo *info = runs->pdata[0];
    g_free(*ret_story);
    *ret_story = g_strdup(info->story);
    if (*ret_agent) {
        g_free(*ret_agent);
        *ret_agent = g_strdup(info->agent);
    }
    return TRUE;
}

static void add_story(const Ctl *ctl, GPtrArray *argv, const char *story, const char *agent)
{
    add_match(argv, "STORKIT_PROJECT", ctl->project);
    add_match(argv, "STORKIT_STORY", story);
    add_match(argv, "STORKIT_AGENT", agent);
}

/* Somebody who mistypes a name would wait for entries, or see that there are none. Without the
 * service, which knows the names, journalctl has the word. */
static gboolean check_known(const Ctl *ctl, const char *story, GError **error)
{
    if (arg_follow || journal_knows_story(ctl->project, story))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN,
                "the journal has nothing about a story '%s': `storkitctl list` shows the runs, "
                "`storkitctl log` everything",
                story);
    return FALSE;
}

/* Of a pattern the listed runs that match. */
static gboolean add_pattern(Ctl *ctl, GPtrArray *argv, GPtrArray *listed, const char *pattern,
                            gboolean go_on, GError **error)
{
    char *const arguments[] = {(char *)pattern, NULL};
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(GPtrArray) runs =
        select_listed(ctl, listed ?: none, arguments, SELECT_ALL_AGENTS, error);
    for (guint i = 0; runs && i < runs->len; i++) {
        const RunInfo *info = runs->pdata[i];
        if (go_on || i > 0)
            add(argv, "+");
        add_story(ctl, argv, info->story, info->agent);
    }
    return runs != NULL;
}

static gboolean add_stories(Ctl *ctl, GPtrArray *argv, char *const *named, GError **error)
{
    g_autoptr(GPtrArray) listed = named[0] ? list_quickly(ctl) : NULL;
    for (gsize i = 0; named[i]; i++) {
        g_autofree char *story = NULL, *agent = NULL;
        if (select_is_pattern(named[i])) {
            if (!add_pattern(ctl, argv, listed, named[i], i > 0, error))
                return FALSE;
            continue;
        }
        if (!split_argument(ctl, listed, named[i], &story, &agent, error))
            return FALSE;
        if (i > 0)
            add(argv, "+");
        add_story(ctl, argv, story, agent);
        if (listed && !check_known(ctl, story, error))
            return FALSE;
    }
    return TRUE;
}

static void add_everything(Ctl *ctl, GPtrArray *argv)
{
    if (!ctl->project && !ctl->agent)
        add_match(argv, "SYSLOG_IDENTIFIER", "storkit");
    add_match(argv, "STORKIT_PROJECT", ctl->project);
    add_match(argv, "STORKIT_AGENT", ctl->agent);
}

static int show_log(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(GPtrArray) argv = journalctl(ctl, passed);
    if (!verb_check_lines(arg_lines, error) || !ctl_find_project(ctl, error))
        return -1;
    ctl->bus = bus_open(&ctl->elsewhere, NULL);
    char *const here[] = {ctl->story, NULL};
    if (!add_stories(ctl, argv, arguments[0] ? arguments : here, error))
        return -1;
    if (!arguments[0] && !ctl->story)
        add_everything(ctl, argv);
    g_ptr_array_add(argv, NULL);
    ctl_exec((char *const *)argv->pdata, error);
    return -1;
}

static const GOptionEntry options[] = {
    {"follow", 'f', 0, G_OPTION_ARG_NONE, &arg_follow, "Show new entries as they come", NULL},
    {"lines", 'n', 0, G_OPTION_ARG_INT, &arg_lines, "Only the last N entries", "N"},
    {NULL},
};

const Verb log_verb = {
    .name = "log",
    .synopsis = "[RUN…] [-- OPTION…]",
    .summary = "Show the journal of runs (journalctl OPTION…)",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .options = options,
    .passes_on = TRUE,
    .offline = TRUE,
    .run = show_log,
};
