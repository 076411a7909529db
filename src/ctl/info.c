/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/info.h"

#include <string.h>

#include "ctl/bus.h"
#include "ctl/format.h"
#include "ctl/json-path.h"
#include "ctl/text.h"

/* The service remembers a run for longer than its worktree exists. One on another host is not to be
 * seen from here. */
static void forget_gone_worktree(JsonObject *json)
{
    const char *path = json_get_string(json, "worktree_path");
    if (path && json_object_has_member(json, "ended") && !json_object_has_member(json, "host") &&
        !g_file_test(path, G_FILE_TEST_EXISTS))
        json_object_remove_member(json, "worktree_path");
}

RunInfo *run_info_new(JsonNode *node)
{
    if (!JSON_NODE_HOLDS_OBJECT(node))
        return NULL;
    RunInfo *info = g_new0(RunInfo, 1);
    info->json = json_node_dup_object(node);
    forget_gone_worktree(info->json);
    info->project = json_get_string(info->json, "project_root") ?: "";
    info->story = json_get_string(info->json, "story_id") ?: "";
    info->agent = json_get_string(info->json, "agent_name") ?: "";
    info->status = json_get_string(info->json, "status") ?: "";
    info->run_id = json_get_string(info->json, "run_id") ?: "";
    return info;
}

void run_info_free(RunInfo *info)
{
    json_object_unref(info->json);
    g_free(info);
}

const char *run_info_string(const RunInfo *info, const char *key)
{
    return json_get_string(info->json, key);
}

guint64 run_info_uint(const RunInfo *info, const char *key, guint64 fallback)
{
    return (guint64)json_object_get_int_member_with_default(info->json, key, (gint64)fallback);
}

gboolean run_info_flag(const RunInfo *info, const char *key)
{
    return json_get_boolean(info->json, key);
}

char *run_info_list_text(const RunInfo *info, const char *key)
{
    JsonArray *list = json_get_array(info->json, key);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < json_array_length(list); i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
                               json_array_get_string_element(list, i));
    return g_string_free(text, FALSE);
}

gboolean run_info_is_pending(const RunInfo *info)
{
    return g_str_equal(info->status, "pending");
}

gboolean run_info_is_running(const RunInfo *info)
{
    return g_str_equal(info->status, "running");
}

gboolean run_info_is_live(const RunInfo *info)
{
    return run_info_is_pending(info) || run_info_is_running(info);
}

gboolean run_info_is_elsewhere(const RunInfo *info)
{
    return run_info_string(info, "host") && !run_info_string(info, "job");
}

static gboolean was_stopped(const RunInfo *info)
{
    return g_strcmp0(run_info_string(info, "error"), "stopped") == 0;
}

char *run_info_duration(const RunInfo *info)
{
    guint64 started = run_info_uint(info, "started", 0);
    guint64 ended = run_info_uint(info, "ended", (guint64)g_get_real_time());
    return started > 0 && ended >= started ? format_span(ended - started) : g_strdup("");
}

char *run_info_cost(const RunInfo *info)
{
    if (!json_object_has_member(info->json, "cost_usd"))
        return g_strdup("");
    return format_cost(json_object_get_double_member_with_default(info->json, "cost_usd", 0));
}

const char *run_info_status_word(const RunInfo *info)
{
    if (run_info_flag(info, "frozen"))
        return "frozen";
    if (run_info_flag(info, "disk_full"))
        return "disk full";
    if (run_info_string(info, "waiting"))
        return "waiting";
    return was_stopped(info) ? "stopped" : info->status;
}

Style run_info_status_style(const RunInfo *info)
{
    if (run_info_flag(info, "frozen") || run_info_flag(info, "disk_full") ||
        run_info_string(info, "waiting") || run_info_is_pending(info))
        return STYLE_WARN;
    if (run_info_is_running(info))
        return STYLE_GOOD;
    return g_str_equal(info->status, "failed") ? STYLE_BAD : STYLE_DIM;
}

/* The oldest question, as one line. */
static char *question_note(const RunInfo *info)
{
    JsonArray *questions = json_get_array(info->json, "questions");
    JsonObject *oldest =
        json_array_length(questions) > 0 ? json_array_get_object(questions, 0) : NULL;
    if (!oldest)
        return NULL;
    return g_strjoin(" ", json_get_string(oldest, "title") ?: "?",
                     json_get_string(oldest, "detail"), NULL);
}

static char *limit_note(const RunInfo *info)
{
    guint64 retry = run_info_uint(info, "retry_at", 0);
    if (g_strcmp0(run_info_string(info, "waiting"), "limit") != 0)
        return NULL;
    if (retry == 0)
        return g_strdup("waits for the end of a usage limit");
    g_autofree char *time = format_time(retry);
    return g_strdup_printf("goes on after its usage limit at %s", time);
}

/* Of a job of Slurm, or a run in one; NULL of any other. */
static char *job_note(const RunInfo *info)
{
    const char *job = run_info_string(info, "job");
    if (!job || !run_info_is_live(info))
        return NULL;
    if (!run_info_is_pending(info))
        return g_strdup_printf("job %s", job);
    return g_strdup_printf("job %s waits: %s", job, run_info_string(info, "job_reason") ?: "");
}

static char *own_note(const RunInfo *info)
{
    g_autofree char *limit = limit_note(info);
    g_autofree char *question = question_note(info);
    g_autofree char *job = job_note(info);
    const char *text = run_info_string(info, "error");
    guint64 position = run_info_uint(info, "queue_position", 0);
    guint64 kills = run_info_uint(info, "oom_kills", 0);
    if (run_info_is_pending(info) && position > 0)
        return g_strdup_printf("number %" G_GUINT64_FORMAT " in the queue", position);
    if (question)
        return g_steal_pointer(&question);
    if (limit)
        return g_steal_pointer(&limit);
    if (job)
        return g_steal_pointer(&job);
    if (run_info_is_live(info) && kills > 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT " process%s killed for memory", kills,
                               kills == 1 ? "" : "es");
    return g_strdup(text && !was_stopped(info) ? text : "");
}

char *run_info_note(const RunInfo *info)
{
    const char *host = run_info_string(info, "host");
    g_autofree char *note = own_note(info);
    return host ? g_strdup_printf("on %s%s%s", host, *note ? ": " : "", note)
                : g_steal_pointer(&note);
}

int run_info_exit_status(const RunInfo *info)
{
    if (g_str_equal(info->status, "completed"))
        return 0;
    return was_stopped(info) ? CTL_EXIT_RUN_STOPPED : CTL_EXIT_RUN_FAILED;
}

char *run_info_ending(const RunInfo *info)
{
    g_autofree char *duration = run_info_duration(info);
    g_autofree char *cost = run_info_cost(info);
    g_autofree char *note = own_note(info);
    const char *host = run_info_string(info, "host");
    GString *text = g_string_new(NULL);
    if (host)
        g_string_append_printf(text, "%s: ", host);
    g_string_append_printf(text, "%s%s%s %s", info->story, *info->agent ? "/" : "", info->agent,
                           was_stopped(info) ? "was stopped" : info->status);
    if (*duration)
        g_string_append_printf(text, " after %s", duration);
    if (*cost)
        g_string_append_printf(text, ", %s", cost);
    if (*note)
        g_string_append_printf(text, ": %s", note);
    g_autofree char *sentence = g_string_free(text, FALSE);
    return text_clean(sentence, FALSE);
}

int run_info_compare(const RunInfo *a, const RunInfo *b)
{
    int order = g_strcmp0(a->project, b->project);
    if (order == 0)
        order = strverscmp(a->story, b->story);
    return order != 0 ? order : g_strcmp0(a->agent, b->agent);
}

static int compare_infos(gconstpointer a, gconstpointer b)
{
    return run_info_compare(*(RunInfo *const *)a, *(RunInfo *const *)b);
}

GPtrArray *run_info_list_from_json(JsonNode *list, const char *project)
{
    GPtrArray *infos = g_ptr_array_new_with_free_func((GDestroyNotify)run_info_free);
    JsonArray *array = JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;
    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        g_autoptr(RunInfo) info = run_info_new(json_array_get_element(array, i));
        if (info && (!project || g_str_equal(info->project, project)))
            g_ptr_array_add(infos, g_steal_pointer(&info));
    }
    g_ptr_array_sort(infos, compare_infos);
    return infos;
}

GPtrArray *run_info_list(sd_bus *bus, const char *project, GError **error)
{
    g_autoptr(JsonNode) list = bus_call_json(bus, "List", error, NULL);
    return list ? run_info_list_from_json(list, project) : NULL;
}

JsonNode *run_info_to_json(const RunInfo *info)
{
    return json_node_init_object(json_node_alloc(), info->json);
}

JsonNode *run_info_list_to_json(GPtrArray *infos)
{
    g_autoptr(JsonArray) array = json_array_new();
    for (guint i = 0; i < infos->len; i++) {
        RunInfo *info = infos->pdata[i];
        json_array_add_object_element(array, json_object_ref(info->json));
    }
    return json_node_init_array(json_node_alloc(), array);
}

RunInfo *run_info_get(sd_bus *bus, const char *project, const char *story, const char *agent,
                      GError **error)
{
    g_autoptr(JsonNode) node = bus_call_json(bus, "Get", error, "sss", project, story, agent);
    return node ? run_info_new(node) : NULL;
}

RunInfo *run_info_get_by_id(sd_bus *bus, const char *run_id, GError **error)
{
    g_autoptr(JsonNode) node = bus_call_json(bus, "GetRun", error, "s", run_id);
    return node ? run_info_new(node) : NULL;
}
