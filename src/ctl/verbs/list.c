/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "ctl/format.h"
#include "ctl/hosts/ask.h"
#include "ctl/info.h"
#include "ctl/slurm/rows.h"
#include "ctl/table.h"
#include "ctl/verb.h"
#include "ctl/verbs/list-follow.h"

static gboolean arg_everywhere, arg_follow;

/* The first one is for several hosts only. */
static const Column columns[] = {
    {"HOST"},
    {"STORY", .minimum = 10},
    {"AGENT", .minimum = 6},
    {"STATUS"},
    {"TIME", .right = TRUE},
    {"MEMORY", .right = TRUE},
    {"COST", .right = TRUE},
    {"NOTE", .minimum = 10},
    {"PROJECT", .minimum = 10},
};

enum { COLUMN_STATUS = 3, COLUMN_NOTE = 7 };

static void add_row(Table *table, const RunInfo *info, gboolean with_project)
{
    guint64 memory = run_info_uint(info, "memory", 0);
    g_autofree char *duration = run_info_duration(info);
    g_autofree char *size = memory > 0 ? format_bytes(memory) : NULL;
    g_autofree char *cost = run_info_cost(info);
    g_autofree char *note = run_info_note(info);
    table_add(table, STYLE_NAME, info->story);
    table_add(table, STYLE_NONE, info->agent);
    table_add(table, run_info_status_style(info), run_info_status_word(info));
    table_add(table, STYLE_NONE, duration);
    table_add(table, STYLE_NONE, size);
    table_add(table, STYLE_NONE, cost);
    table_add(table, STYLE_DIM, note);
    table_add(table, STYLE_DIM, with_project ? info->project : NULL);
}

static void print_legend(guint shown, guint elsewhere)
{
    if (shown > 0)
        printf("\n%u run%s listed.", shown, shown == 1 ? "" : "s");
    else
        fputs(NO_RUNS, stdout);
    if (elsewhere > 0)
        printf(" %u more in other projects: `storkitctl list --everywhere`.", elsewhere);
    puts("");
}

/* The runs to be shown; of the agent that was asked for, those of other projects are counted. */
static GPtrArray *choose_runs(const Ctl *ctl, GPtrArray *all, guint *ret_elsewhere)
{
    GPtrArray *runs = g_ptr_array_new();
    *ret_elsewhere = 0;
    for (guint i = 0; i < all->len; i++) {
        RunInfo *info = all->pdata[i];
        if (ctl->agent && !g_str_equal(info->agent, ctl->agent))
            continue;
        if (arg_everywhere || !ctl->project || g_str_equal(info->project, ctl->project))
            g_ptr_array_add(runs, info);
        else
            ++*ret_elsewhere;
    }
    return runs;
}

static gboolean check_follow(const Ctl *ctl, GError **error)
{
    if (ctl->json)
        return TRUE;
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                        "list --follow is for programs, and takes --json: `storkitctl top` shows a "
                        "live table");
    return FALSE;
}

static int list(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    if (arg_follow)
        return check_follow(ctl, error)
                   ? list_follow(ctl, arg_everywhere ? NULL : ctl->project, error)
                   : -1;
    gboolean with_project = arg_everywhere || !ctl->project;
    guint elsewhere;
    g_autoptr(GPtrArray) all = run_info_list(ctl->bus, NULL, error);
    if (!all)
        return -1;
    slurm_add_rows(all, NULL);
    g_autoptr(GPtrArray) runs = choose_runs(ctl, all, &elsewhere);
    if (ctl->json) {
        g_autoptr(JsonNode) node = run_info_list_to_json(runs);
        ctl_print_json(node);
        return 0;
    }
    g_autoptr(Table) table = table_new(columns + 1, G_N_ELEMENTS(columns) - 1);
    for (guint i = 0; i < runs->len; i++)
        add_row(table, runs->pdata[i], with_project);
    if (runs->len > 0)
        table_print(table, !ctl->no_legend);
    if (!ctl->no_legend)
        print_legend(runs->len, elsewhere);
    return 0;
}

static int list_on_hosts(Ctl *ctl, char **arguments, GError **error)
{
    if (arg_follow)
        return check_follow(ctl, error) ? list_follow_hosts(ctl, arg_everywhere, error) : -1;
    gboolean with_project = arg_everywhere || (!ctl->project && !ctl->directory);
    g_autoptr(GPtrArray) answers = hosts_ask(ctl, "list", arg_everywhere ? "-e" : NULL, NULL);
    if (ctl->json) {
        hosts_print_json(answers);
        return hosts_status(answers);
    }
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(GPtrArray) runs = hosts_runs(answers);
    slurm_join_rows(runs);
    for (guint i = 0; i < runs->len; i++) {
        table_add(table, STYLE_NAME, run_info_string(runs->pdata[i], "host"));
        add_row(table, runs->pdata[i], with_project);
    }
    hosts_add_problems(answers, table, G_N_ELEMENTS(columns), COLUMN_STATUS, COLUMN_NOTE);
    if (runs->len > 0 || hosts_have_problem(answers))
        table_print(table, !ctl->no_legend);
    if (!ctl->no_legend)
        print_legend(runs->len, 0);
    return hosts_status(answers);
}

static const GOptionEntry options[] = {
    {"everywhere", 'e', 0, G_OPTION_ARG_NONE, &arg_everywhere, "Show the runs of every project",
     NULL},
    {"follow", 'f', 0, G_OPTION_ARG_NONE, &arg_follow,
     "With --json: print the list again when it changes", NULL},
    {NULL},
};

const Verb list_verb = {
    .name = "list",
    .synopsis = "",
    .summary = "List the runs of this project (outside one: of all)",
    .most = 0,
    .options = options,
    .run = list,
    .run_on_hosts = list_on_hosts,
};
