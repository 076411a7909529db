/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/select.h"

#include <fnmatch.h>
#include <string.h>

#define LOOK_AT_LIST "`storkitctl list` shows the runs"

void select_split(Ctl *ctl, const char *argument, char **ret_story, char **ret_agent)
{
    const char *slash = strchr(argument, '/');
    *ret_story = slash ? g_strndup(argument, slash - argument) : g_strdup(argument);
    *ret_agent = slash ? g_strdup(slash + 1) : g_strdup(ctl->agent);
}

static char *join_names(GPtrArray *names)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (char *)names->pdata[i]);
    return g_string_free(text, FALSE);
}

static GPtrArray *names_with_prefix(GPtrArray *names, const char *prefix)
{
    GPtrArray *found = g_ptr_array_new();
    for (guint i = 0; i < names->len; i++)
        if (g_str_has_prefix(names->pdata[i], prefix))
            g_ptr_array_add(found, names->pdata[i]);
    return found;
}

const char *select_name(GPtrArray *names, const char *what, const char *advice, const char *typed,
                        GError **error)
{
    guint exact;
    if (g_ptr_array_find_with_equal_func(names, typed, g_str_equal, &exact))
        return names->pdata[exact];

    g_autoptr(GPtrArray) found = *typed ? names_with_prefix(names, typed) : g_ptr_array_new();
    if (found->len == 1)
        return found->pdata[0];
    if (found->len == 0) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN, "no %s '%s': %s", what, typed, advice);
        return NULL;
    }
    g_autofree char *all = join_names(found);
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "'%s' is ambiguous: %s; type more of it", typed,
                all);
    return NULL;
}

static void add_name(GPtrArray *names, const char *name)
{
    if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_ptr_array_add(names, (char *)name);
}

static void add_run(GPtrArray *runs, RunInfo *info)
{
    if (!g_ptr_array_find(runs, info, NULL))
        g_ptr_array_add(runs, info);
}

static GPtrArray *runs_of_story(GPtrArray *listed, const char *typed, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < listed->len; i++)
        add_name(names, ((RunInfo *)listed->pdata[i])->story);
    const char *story = select_name(names, "run of story", LOOK_AT_LIST, typed, error);
    if (!story)
        return NULL;

    GPtrArray *runs = g_ptr_array_new();
    for (guint i = 0; i < listed->len; i++)
        if (g_str_equal(((RunInfo *)listed->pdata[i])->story, story))
            g_ptr_array_add(runs, listed->pdata[i]);
    return runs;
}

static gboolean keep_agent(GPtrArray *runs, const char *typed, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < runs->len; i++)
        add_name(names, ((RunInfo *)runs->pdata[i])->agent);
    g_autofree char *what =
        g_strdup_printf("run of %s by agent", ((RunInfo *)runs->pdata[0])->story);
    const char *agent = select_name(names, what, LOOK_AT_LIST, typed, error);
    if (!agent)
        return FALSE;
    for (guint i = runs->len; i > 0; i--)
        if (!g_str_equal(((RunInfo *)runs->pdata[i - 1])->agent, agent))
            g_ptr_array_remove_index(runs, i - 1);
    return TRUE;
}

static RunInfo *only_live(GPtrArray *runs)
{
    RunInfo *live = NULL;
    for (guint i = 0; i < runs->len; i++) {
        if (!run_info_is_live(runs->pdata[i]))
            continue;
        if (live)
            return NULL;
        live = runs->pdata[i];
    }
    return live;
}

static gboolean set_ambiguous(GPtrArray *runs, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    RunInfo *first = runs->pdata[0], *last = runs->pdata[runs->len - 1];
    if (!g_str_equal(first->project, last->project)) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                    "%s and %s both have a story %s: go to the project, or name it with -C DIR",
                    first->project, last->project, first->story);
        return FALSE;
    }
    for (guint i = 0; i < runs->len; i++) {
        RunInfo *info = runs->pdata[i];
        g_ptr_array_add(names, g_strdup_printf("%s/%s", info->story, info->agent));
    }
    g_autofree char *all = join_names(names);
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "several agents have a run of it: %s; name one",
                all);
    return FALSE;
}

gboolean select_is_pattern(const char *argument)
{
    return strpbrk(argument, "*?[") != NULL;
}

static gboolean matches_pattern(Ctl *ctl, const RunInfo *info, const char *pattern)
{
    g_autofree char *name = g_strdup_printf("%s/%s", info->story, info->agent);
    if (strchr(pattern, '/'))
        return fnmatch(pattern, name, 0) == 0;
    return fnmatch(pattern, info->story, 0) == 0 &&
           (!ctl->agent || g_str_equal(info->agent, ctl->agent));
}

static gboolean add_pattern(Ctl *ctl, GPtrArray *listed, const char *pattern, GPtrArray *selected,
                            GError **error)
{
    gboolean found = FALSE;
    for (guint i = 0; i < listed->len; i++) {
        if (run_info_is_elsewhere(listed->pdata[i]) ||
            !matches_pattern(ctl, listed->pdata[i], pattern))
            continue;
        add_run(selected, listed->pdata[i]);
        found = TRUE;
    }
    if (!found)
        g_set_error(error, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN, "no run matches '%s': %s", pattern,
                    LOOK_AT_LIST);
    return found;
}

static RunInfo *find_id(GPtrArray *listed, const char *id)
{
    for (guint i = 0; i < listed->len; i++)
        if (g_str_equal(((RunInfo *)listed->pdata[i])->run_id, id))
            return listed->pdata[i];
    return NULL;
}

static gboolean add_matches(Ctl *ctl, GPtrArray *listed, const char *argument, SelectFlags flags,
                            GPtrArray *selected, GError **error)
{
    g_autofree char *typed_story = NULL, *typed_agent = NULL;
    if (select_is_pattern(argument))
        return add_pattern(ctl, listed, argument, selected, error);
    RunInfo *same = find_id(listed, argument);
    if (same) {
        add_run(selected, same);
        return TRUE;
    }

    select_split(ctl, argument, &typed_story, &typed_agent);
    g_autoptr(GPtrArray) runs = runs_of_story(listed, typed_story, error);
    if (!runs || (typed_agent && !keep_agent(runs, typed_agent, error)))
        return FALSE;

    RunInfo *live = only_live(runs);
    if (runs->len == 1 || (flags & SELECT_ALL_AGENTS)) {
        for (guint i = 0; i < runs->len; i++)
            add_run(selected, runs->pdata[i]);
        return TRUE;
    }
    if (!live)
        return set_ambiguous(runs, error);
    add_run(selected, live);
    return TRUE;
}

static gboolean add_without_argument(Ctl *ctl, GPtrArray *listed, SelectFlags flags,
                                     GPtrArray *selected, GError **error)
{
    if (ctl->story)
        return add_matches(ctl, listed, ctl->story, flags, selected, error);
    for (guint i = 0; i < listed->len; i++) {
        RunInfo *info = listed->pdata[i];
        if (!run_info_is_elsewhere(info) && (!ctl->agent || g_str_equal(info->agent, ctl->agent)))
            g_ptr_array_add(selected, info);
    }
    return TRUE;
}

static void *copy_info(gconstpointer info, gpointer unused)
{
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), ((RunInfo *)info)->json);
    return run_info_new(node);
}

gboolean select_check_named(Ctl *ctl, char *const *arguments, SelectFlags flags, GError **error)
{
    if (arguments[0] || ctl->story || (flags & SELECT_ALL_IF_NONE))
        return TRUE;
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                        "name a run: STORY or STORY/AGENT (`storkitctl list` shows them)");
    return FALSE;
}

static GPtrArray *copies_of(GPtrArray *selected)
{
    GPtrArray *copies = g_ptr_array_copy(selected, copy_info, NULL);
    g_ptr_array_set_free_func(copies, (GDestroyNotify)run_info_free);
    return copies;
}

GPtrArray *select_each(Ctl *ctl, GPtrArray *listed, char *const *arguments, GError **error)
{
    g_autoptr(GPtrArray) selected = g_ptr_array_new();
    g_autoptr(GError) first = NULL;
    for (gsize i = 0; arguments[i]; i++) {
        g_autoptr(GError) problem = NULL;
        if (add_matches(ctl, listed, arguments[i], SELECT_ONE, selected, &problem))
            continue;
        if (first)
            ctl_warn("%s", problem->message);
        else
            first = g_steal_pointer(&problem);
    }
    if (first)
        g_propagate_error(error, g_steal_pointer(&first));
    return copies_of(selected);
}

GPtrArray *select_listed(Ctl *ctl, GPtrArray *listed, char *const *arguments, SelectFlags flags,
                         GError **error)
{
    g_autoptr(GPtrArray) selected = g_ptr_array_new();
    if (!arguments[0] && !add_without_argument(ctl, listed, flags, selected, error))
        return NULL;
    for (gsize i = 0; arguments[i]; i++)
        if (!add_matches(ctl, listed, arguments[i], flags, selected, error))
            return NULL;
    return copies_of(selected);
}

GPtrArray *select_runs(Ctl *ctl, char *const *arguments, SelectFlags flags, GError **error)
{
    if (!select_check_named(ctl, arguments, flags, error))
        return NULL;
    g_autoptr(GPtrArray) listed = run_info_list(ctl->bus, ctl->project, error);
    return listed ? select_listed(ctl, listed, arguments, flags, error) : NULL;
}

RunInfo *select_run(Ctl *ctl, const char *argument, GError **error)
{
    char *const arguments[] = {(char *)argument, NULL};
    g_autoptr(GPtrArray) runs = select_runs(ctl, arguments, SELECT_ONE, error);
    if (runs && runs->len > 1)
        set_ambiguous(runs, error);
    return runs && runs->len == 1 ? g_ptr_array_steal_index(runs, 0) : NULL;
}
