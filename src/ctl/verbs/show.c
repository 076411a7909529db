/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "ctl/format.h"
#include "ctl/info.h"
#include "ctl/json-path.h"
#include "ctl/select.h"
#include "ctl/text.h"
#include "ctl/verb.h"

#define LABEL_WIDTH 10

/* Takes @value; a NULL or empty one is no line. */
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

static char *branch_line(const RunInfo *info)
{
    const char *branch = run_info_string(info, "branch");
    const char *base = run_info_string(info, "base_branch");

    if (!branch)
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

static char *unenforced_line(const RunInfo *info)
{
    JsonArray *limits = json_get_array(info->json, "unenforced");
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < json_array_length(limits); i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
                               json_array_get_string_element(limits, i));
    return g_string_free(text, FALSE);
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
    print_line("Note", STYLE_BAD, run_info_note(info));
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
    print_line("Unenforced", STYLE_WARN, unenforced_line(info));
    print_string(info, "Sandbox", "sandbox");
    print_string(info, "Session", "session_id");
    print_line("Cost", STYLE_NONE, cost_line(info));
}

static int show(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(GPtrArray) runs =
        select_runs(ctl, arguments, SELECT_ALL_AGENTS | SELECT_ALL_IF_NONE, error);

    if (!runs)
        return -1;
    if (ctl->json) {
        g_autoptr(JsonNode) node = run_info_list_to_json(runs);
        ctl_print_json(node);
        return 0;
    }
    for (guint i = 0; i < runs->len; i++) {
        if (i > 0)
            puts("");
        print_run(runs->pdata[i]);
    }
    if (runs->len == 0 && !ctl->no_legend)
        puts(NO_RUNS);
    return 0;
}

const Verb show_verb = {
    .name = "show",
    .synopsis = "[RUN…]",
    .summary = "Show everything known about runs",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .run = show,
};
