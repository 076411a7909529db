/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "ctl/format.h"
#include "ctl/info.h"
#include "ctl/json-order.h"
#include "ctl/json-path.h"
#include "ctl/select.h"
#include "ctl/text.h"
#include "ctl/verb.h"

#define LABEL_WIDTH 10

static char **arg_properties;
static gboolean arg_value;

/* In the order of the manual. */
static const struct {
    const char *key, *label;
} limit_labels[] = {
    {"memory_max", "memory"},        {"memory_high", "memory high"}, {"cpu_quota_usec", "CPU"},
    {"cpu_weight", "CPU weight"},    {"io_weight", "disk weight"},   {"tasks_max", "processes"},
    {"runtime_max_usec", "runtime"}, {"idle_timeout_usec", "idle"},
};

/* Takes @value; prints no line if it is NULL or empty. */
static void print_line(const char *label, Style style, char *value)
{
    g_autofree char *clean = text_clean(value ?: "", FALSE);
    if (*clean)
        printf("%*s: %s%s%s\n", LABEL_WIDTH, label, style_begin(style), clean, style_end(style));
    g_free(value);
}

static void print_string(const RunInfo *info, const char *label, const char *key)
{
    print_line(label, STYLE_NONE, g_strdup(run_info_string(info, key)));
}

static char *status_line(const RunInfo *info)
{
    guint64 started = run_info_uint(info, "started", 0);
    guint64 since = run_info_uint(info, "ended", started);
    const char *word = run_info_status_word(info);
    if (since == 0)
        return g_strdup(word);
    g_autofree char *time = format_time(since);
    g_autofree char *ago = format_ago(since);
    return g_strdup_printf("%s since %s; %s", word, time, ago);
}

static char *ran_line(const RunInfo *info)
{
    return run_info_is_running(info) ? NULL : run_info_duration(info);
}

static char *exit_line(const RunInfo *info)
{
    if (json_object_has_member(info->json, "exit_signal"))
        return g_strdup_printf("signal %d", (int)json_get_int(info->json, "exit_signal"));
    if (json_object_has_member(info->json, "exit_code"))
        return g_strdup_printf("%d", (int)json_get_int(info->json, "exit_code"));
    return NULL;
}

/* A question without a newline, most likely. */
static char *unfinished_line(const RunInfo *info)
{
    const char *line = run_info_string(info, "unfinished_line");
    return line ? g_strdup_printf("%s (unfinished)", line) : NULL;
}

static void print_questions(const RunInfo *info)
{
    JsonArray *questions = json_get_array(info->json, "questions");
    for (guint i = 0; i < json_array_length(questions); i++) {
        JsonObject *question = json_array_get_object(questions, i);
        if (!question)
            continue;
        print_line("Asks", STYLE_WARN,
                   g_strjoin(" ", json_get_string(question, "title") ?: "?",
                             json_get_string(question, "detail"), NULL));
    }
}

static char *branch_line(const RunInfo *info)
{
    const char *branch = run_info_string(info, "branch");
    const char *base = run_info_string(info, "base_branch");
    if (!branch || !run_info_string(info, "worktree_path"))
        return NULL;
    return base ? g_strdup_printf("%s (from %s)", branch, base) : g_strdup(branch);
}

static char *memory_line(const RunInfo *info)
{
    guint64 memory = run_info_uint(info, "memory", 0);
    guint64 peak = run_info_uint(info, "memory_peak", 0);
    g_autofree char *now = format_bytes(memory);
    g_autofree char *most = format_bytes(peak);
    if (memory == 0 && peak == 0)
        return NULL;
    if (memory == 0 || peak == 0)
        return memory > 0 ? g_steal_pointer(&now) : g_strdup_printf("peak %s", most);
    return g_strdup_printf("%s (peak %s)", now, most);
}

static char *cpu_line(const RunInfo *info)
{
    guint64 usec = run_info_uint(info, "cpu_usec", 0);
    return usec > 0 ? format_span(usec) : NULL;
}

static char *number_line(const RunInfo *info, const char *key)
{
    guint64 number = run_info_uint(info, key, 0);
    return number > 0 ? g_strdup_printf("%" G_GUINT64_FORMAT, number) : NULL;
}

static char *disk_line(const RunInfo *info)
{
    guint64 lost = run_info_uint(info, "lost_output", 0);
    if (lost > 0) {
        g_autofree char *size = format_bytes(lost);
        return g_strdup_printf("was full at the end: the last %s of output are lost", size);
    }
    if (!run_info_flag(info, "disk_full"))
        return NULL;
    return g_strdup("full: the agent waits for space");
}

static char *cost_line(const RunInfo *info)
{
    g_autofree char *cost = run_info_cost(info);
    g_autofree char *in = format_count(run_info_uint(info, "input_tokens", 0));
    g_autofree char *out = format_count(run_info_uint(info, "output_tokens", 0));
    guint64 turns = run_info_uint(info, "turns", 0);
    if (!*cost && turns == 0)
        return NULL;
    return g_strdup_printf("%s%s%" G_GUINT64_FORMAT " turn%s, %s tokens in, %s out", cost,
                           *cost ? ", " : "", turns, turns == 1 ? "" : "s", in, out);
}

static char *retry_line(const RunInfo *info)
{
    guint64 retry = run_info_uint(info, "retry_at", 0);
    return retry > 0 ? format_time(retry) : NULL;
}

static char *limits_line(const RunInfo *info)
{
    JsonObject *limits = json_get_object(info->json, "limits");
    GString *text = g_string_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(limit_labels); i++) {
        if (!limits || !json_object_has_member(limits, limit_labels[i].key))
            continue;
        g_autofree char *value =
            format_limit(limit_labels[i].key, (guint64)json_get_int(limits, limit_labels[i].key));
        g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", limit_labels[i].label,
                               value);
    }
    return g_string_free(text, FALSE);
}

/* Why a program fails in it is seldom in its own words. */
static char *sandbox_line(const RunInfo *info, const char *story)
{
    const char *sandbox = run_info_string(info, "sandbox");
    gboolean failed =
        g_str_equal(info->status, "failed") && json_object_has_member(info->json, "exit_code");
    if (!sandbox || !failed)
        return g_strdup(sandbox);
    return g_strdup_printf("%s (to try a command in it: storkitctl sandbox %s -- COMMAND)", sandbox,
                           story);
}

static void print_run(const RunInfo *info)
{
    g_autofree char *story = text_clean(info->story, FALSE);
    g_autofree char *agent = text_clean(info->agent, FALSE);
    Style style = run_info_status_style(info);
    printf("%s%s%s %s/%s\n", style_begin(style), text_glyph("●", "*"), style_end(style), story,
           agent);
    print_line("Status", style, status_line(info));
    print_line("Ran", STYLE_NONE, ran_line(info));
    if (!run_info_string(info, "waiting"))
        print_line("Note", STYLE_BAD, run_info_note(info));
    print_string(info, "Parent", "parent");
    print_string(info, "Continues", "continues");
    print_line("Attempt", STYLE_NONE, number_line(info, "attempt"));
    print_string(info, "Account", "account");
    print_questions(info);
    print_line("Line", STYLE_WARN, unfinished_line(info));
    print_line("Exit", STYLE_NONE, exit_line(info));
    print_line("Retry at", STYLE_WARN, retry_line(info));
    print_line("Disk", STYLE_WARN, disk_line(info));
    print_string(info, "Project", "project_root");
    print_string(info, "Worktree", "worktree_path");
    print_line("Branch", STYLE_NONE, branch_line(info));
    print_string(info, "Run", "run_id");
    print_string(info, "Unit", "unit");
    print_line("PID", STYLE_NONE, number_line(info, "pid"));
    print_line("Processes", STYLE_NONE, number_line(info, "processes"));
    print_line("Memory", STYLE_NONE, memory_line(info));
    print_line("OOM kills", STYLE_WARN, number_line(info, "oom_kills"));
    print_line("CPU", STYLE_NONE, cpu_line(info));
    print_line("Limits", STYLE_NONE, limits_line(info));
    print_line("Unenforced", STYLE_WARN, run_info_list_text(info, "unenforced"));
    print_line("Sandbox", STYLE_NONE, sandbox_line(info, story));
    print_line("Lacks", STYLE_WARN, run_info_list_text(info, "sandbox_missing"));
    print_string(info, "Session", "session_id");
    print_line("Cost", STYLE_NONE, cost_line(info));
}

/* Text as it is, anything else as JSON. */
static char *property_text(const RunInfo *info, const char *key)
{
    JsonNode *node = json_object_get_member(info->json, key);
    if (!node)
        return g_strdup("");
    if (json_node_get_value_type(node) == G_TYPE_STRING)
        return text_clean(json_node_get_string(node), FALSE);
    g_autoptr(JsonNode) ordered = json_in_order(node);
    return json_to_string(ordered, FALSE);
}

static void print_properties(const RunInfo *info)
{
    g_autofree char *all = g_strjoinv(",", arg_properties);
    g_auto(GStrv) keys = g_strsplit(all, ",", -1);
    for (gsize i = 0; keys[i]; i++) {
        g_autofree char *text = property_text(info, keys[i]);
        if (arg_value)
            puts(text);
        else
            printf("%s=%s\n", keys[i], text);
    }
}

/* One that was stopped or replaced is off the list, and known by its id. */
static GPtrArray *find_runs(Ctl *ctl, char *const *arguments, GError **error)
{
    g_autoptr(GError) problem = NULL;
    GPtrArray *runs = select_runs(ctl, arguments, SELECT_ALL_AGENTS | SELECT_ALL_IF_NONE, &problem);
    gboolean unlisted =
        g_error_matches(problem, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN) && arguments[0] && !arguments[1];
    g_autoptr(RunInfo) info = unlisted ? run_info_get_by_id(ctl->bus, arguments[0], NULL) : NULL;
    if (info) {
        runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_info_free);
        g_ptr_array_add(runs, g_steal_pointer(&info));
    } else if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
    }
    return runs;
}

static int show(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(GPtrArray) runs = find_runs(ctl, arguments, error);
    if (!runs)
        return -1;
    if (arg_value && !arg_properties) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE, "--value needs --property=KEY");
        return -1;
    }
    if (ctl->json) {
        g_autoptr(JsonNode) node = run_info_list_to_json(runs);
        ctl_print_json(node);
        return 0;
    }
    for (guint i = 0; i < runs->len; i++) {
        if (i > 0)
            puts("");
        if (arg_properties)
            print_properties(runs->pdata[i]);
        else
            print_run(runs->pdata[i]);
    }
    if (runs->len == 0 && !ctl->no_legend)
        puts(NO_RUNS);
    return 0;
}

static const GOptionEntry options[] = {
    {"property", 'p', 0, G_OPTION_ARG_FILENAME_ARRAY, &arg_properties,
     "Print only KEY=VALUE of these, named as in JSON", "KEY,…"},
    {"value", 0, 0, G_OPTION_ARG_NONE, &arg_value, "Print the values without their keys", NULL},
    {NULL},
};

const Verb show_verb = {
    .name = "show",
    .synopsis = "[RUN…]",
    .summary = "Show everything known about runs",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .options = options,
    .in_job = TRUE,
    .run = show,
};
