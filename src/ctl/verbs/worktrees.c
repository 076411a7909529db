/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/worktrees.h"

#include <stdio.h>

#include "ctl/hosts/ask.h"
#include "ctl/json-path.h"
#include "ctl/select.h"
#include "ctl/table.h"
#include "ctl/verb.h"

static gboolean arg_force;

JsonArray *worktrees_list(Ctl *ctl, GError **error)
{
    const char *project = ctl_require_project(ctl, error);
    if (!project)
        return NULL;
    g_autoptr(JsonNode) node = bus_call_json(ctl->bus, "ListWorktrees", error, "s", project);
    if (!node)
        return NULL;
    return JSON_NODE_HOLDS_ARRAY(node) ? json_node_dup_array(node) : json_array_new();
}

static const char *story_of(JsonArray *worktrees, guint index)
{
    return json_get_string(json_array_get_object(worktrees, index), "story") ?: "";
}

JsonObject *worktrees_find(Ctl *ctl, JsonArray *worktrees, const char *typed, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    if (!typed && !ctl->story) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "name a worktree by its story (`storkitctl worktrees` lists them)");
        return NULL;
    }
    for (guint i = 0; i < json_array_get_length(worktrees); i++)
        g_ptr_array_add(names, (char *)story_of(worktrees, i));
    const char *story = select_name(names, "worktree of story", "`storkitctl worktrees` lists them",
                                    typed ?: ctl->story, error);
    for (guint i = 0; story && i < json_array_get_length(worktrees); i++)
        if (g_str_equal(story_of(worktrees, i), story))
            return json_array_get_object(worktrees, i);
    return NULL;
}

gboolean worktrees_check_there(JsonObject *worktree, GError **error)
{
    const char *story = json_get_string(worktree, "story");
    if (!json_get_boolean(worktree, "missing"))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
                "the worktree %s of story %s was removed by hand: its commits are on branch %s; "
                "`storkitctl start %s` checks it out again, `storkitctl remove %s` forgets it",
                json_get_string(worktree, "path"), story, json_get_string(worktree, "branch"),
                story, story);
    return FALSE;
}

/* The first one is for several hosts only. */
static const Column columns[] = {
    {"HOST"},  {"STORY", .minimum = 10}, {"BRANCH", .minimum = 10}, {"AHEAD", .right = TRUE},
    {"STATE"}, {"PATH", .minimum = 10},
};

enum { COLUMN_STATE = 4, COLUMN_PATH = 5 };

static const char *state_of(JsonObject *worktree, Style *ret_style)
{
    *ret_style = STYLE_WARN;
    if (json_get_boolean(worktree, "missing"))
        return "missing";
    if (json_get_boolean(worktree, "dirty"))
        return "uncommitted";
    *ret_style = STYLE_GOOD;
    return "clean";
}

static void add_row(Table *table, JsonObject *worktree)
{
    gint64 ahead = json_get_int(worktree, "ahead");
    Style style;
    const char *state = state_of(worktree, &style);
    g_autofree char *commits = g_strdup_printf("%" G_GINT64_FORMAT, ahead);
    table_add(table, STYLE_NAME, json_get_string(worktree, "story"));
    table_add(table, STYLE_NONE, json_get_string(worktree, "branch"));
    table_add(table, ahead > 0 ? STYLE_WARN : STYLE_NONE, commits);
    table_add(table, style, state);
    table_add(table, STYLE_DIM, json_get_string(worktree, "path"));
}

static void print_legend(guint n)
{
    printf(n > 0 ? "\n%u worktree%s listed.\n" : "No worktrees.\n", n, n == 1 ? "" : "s");
}

static int worktrees(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(JsonArray) list = worktrees_list(ctl, error);
    g_autoptr(Table) table = table_new(columns + 1, G_N_ELEMENTS(columns) - 1);
    if (!list)
        return -1;
    if (ctl->json) {
        g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), list);
        ctl_print_json(node);
        return 0;
    }
    guint n = json_array_get_length(list);
    for (guint i = 0; i < n; i++)
        add_row(table, json_array_get_object(list, i));
    if (n > 0)
        table_print(table, !ctl->no_legend);
    if (!ctl->no_legend)
        print_legend(n);
    return 0;
}

static int worktrees_on_hosts(Ctl *ctl, char **arguments, GError **error)
{
    g_autoptr(GPtrArray) answers = hosts_ask(ctl, "worktrees", NULL);
    if (ctl->json) {
        hosts_print_json(answers);
        return hosts_status(answers);
    }
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(GPtrArray) objects = hosts_objects(answers);
    for (guint i = 0; i < objects->len; i++) {
        table_add(table, STYLE_NAME, json_get_string(objects->pdata[i], "host"));
        add_row(table, objects->pdata[i]);
    }
    hosts_add_problems(answers, table, G_N_ELEMENTS(columns), COLUMN_STATE, COLUMN_PATH);
    if (objects->len > 0 || hosts_have_problem(answers))
        table_print(table, !ctl->no_legend);
    if (!ctl->no_legend)
        print_legend(objects->len);
    return hosts_status(answers);
}

/* The service says that force would do it, storkitctl how; and how to keep the work instead. */
static void add_hint(GError *error, const char *story)
{
    g_autofree char *message = error->message;
    error->message = g_strdup_printf(
        "%s (`storkitctl remove --force %s`); `storkitctl merge %s` keeps committed work", message,
        story, story);
}

static gboolean remove_one(Ctl *ctl, const char *story, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (bus_call(ctl->bus, "RemoveWorktree", NULL, &problem, "ssb", ctl->project, story,
                 arg_force)) {
        if (!ctl->json)
            ctl_note(ctl, "the worktree of %s is removed", story);
        return TRUE;
    }
    if (!arg_force && g_error_matches(problem, CTL_ERROR, CTL_ERROR_REFUSED))
        add_hint(problem, story);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* The worktrees that are meant, each once; they belong to @list. */
static GPtrArray *find_each(Ctl *ctl, JsonArray *list, char **arguments, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    for (gsize i = 0; arguments[i]; i++) {
        JsonObject *worktree = worktrees_find(ctl, list, arguments[i], error);
        if (!worktree)
            return NULL;
        if (!g_ptr_array_find(found, worktree, NULL))
            g_ptr_array_add(found, worktree);
    }
    return g_steal_pointer(&found);
}

/* Up to the first that can't be. @removed gets those that were. */
static gboolean remove_each(Ctl *ctl, GPtrArray *worktrees, JsonArray *removed, GError **error)
{
    for (guint i = 0; i < worktrees->len; i++) {
        JsonObject *worktree = worktrees->pdata[i];
        if (!remove_one(ctl, json_get_string(worktree, "story"), error))
            return FALSE;
        json_array_add_object_element(removed, json_object_ref(worktree));
    }
    return TRUE;
}

/* An unknown or ambiguous name ends it before anything is removed. */
static int remove_worktrees(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(JsonArray) list = worktrees_list(ctl, error);
    g_autoptr(GPtrArray) found = list ? find_each(ctl, list, arguments, error) : NULL;
    g_autoptr(JsonArray) removed = json_array_new();
    if (!found)
        return -1;
    gboolean ok = remove_each(ctl, found, removed, error);
    if (ctl->json) {
        g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), removed);
        ctl_print_json(node);
    }
    return ok ? 0 : -1;
}

static const GOptionEntry remove_options[] = {
    {"force", 'f', 0, G_OPTION_ARG_NONE, &arg_force, "Remove uncommitted and unmerged work, too",
     NULL},
    {NULL},
};

const Verb worktrees_verb = {
    .name = "worktrees",
    .synopsis = "",
    .summary = "List the worktrees of stories",
    .run = worktrees,
    .run_on_hosts = worktrees_on_hosts,
};

const Verb remove_verb = {
    .name = "remove",
    .synopsis = "STORY…",
    .summary = "Remove worktrees whose work is merged",
    .arguments = ARGUMENT_WORKTREES,
    .least = 1,
    .most = G_MAXUINT,
    .options = remove_options,
    .run = remove_worktrees,
};
