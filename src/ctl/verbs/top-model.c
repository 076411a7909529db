/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/top-model.h"

#include "ctl/events.h"
#include "ctl/json-path.h"
#include "ctl/journal.h"
#include "ctl/text.h"

/* Cursors are about as many bytes apart as the agent has printed between them. */
#define CATCH_UP_BYTES (1u << 20)

static void top_run_free(gpointer data)
{
    TopRun *run = data;
    run_info_free(run->info);
    g_free(run->last_line);
    g_clear_pointer(&run->follow, follow_free);
    g_free(run);
}

static void problem_free(gpointer data)
{
    TopProblem *problem = data;
    g_free(problem->text);
    g_free(problem);
}

void top_model_init(TopModel *model, Ctl *ctl, const char *project)
{
    *model = (TopModel){
        .ctl = ctl,
        .project = project,
        .runs = g_ptr_array_new_with_free_func(top_run_free),
        .problems = g_ptr_array_new_with_free_func(problem_free),
    };
}

int top_model_find(const TopModel *model, const char *host, const char *run_id)
{
    for (guint i = 0; i < model->runs->len; i++) {
        const TopRun *run = model->runs->pdata[i];
        if (g_strcmp0(run->host, host) == 0 && g_str_equal(run->info->run_id, run_id))
            return (int)i;
    }
    return -1;
}

static void on_event(Follow *follow, const char *line, gsize length, gpointer data)
{
    TopRun *run = data;
    g_autoptr(JsonObject) event = json_parse_object(line, length);
    g_autofree char *last = event ? event_last_line(event) : NULL;
    if (!last || !*last)
        return;
    g_free(run->last_line);
    run->last_line = g_steal_pointer(&last);
}

static void on_end(Follow *follow, const GError *error, gpointer data)
{
    TopRun *run = data;
    g_clear_pointer(&run->follow, follow_free);
}

/* From where the journal ends: it is behind what the agent has printed. One that is far behind, of
 * an agent that prints much, is not waited for. */
static void follow_here(TopModel *model, TopRun *run)
{
    static const FollowHandler handler = {.event = on_event, .end = on_end};
    guint64 head = run_info_uint(run->info, "cursor", 0), from;
    run->last_line = last_line_from_journal(run->info->run_id, &from);
    if (head > from + CATCH_UP_BYTES)
        from = head;
    if (run_info_is_live(run->info))
        run->follow = follow_new(model->ctl, run->info->run_id, from, &handler, run);
}

static TopRun *top_run_new(TopModel *model, const char *host, RunInfo *info)
{
    TopRun *run = g_new0(TopRun, 1);
    run->info = info;
    run->host = host;
    run->cpu = -1;
    if (!host)
        follow_here(model, run);
    return run;
}

static void sample_cpu(TopRun *run)
{
    guint64 usec = run_info_uint(run->info, "cpu_usec", 0);
    gint64 now = g_get_monotonic_time();
    if (!run_info_is_running(run->info))
        run->cpu = -1;
    else if (run->sampled > 0 && now > run->sampled && usec >= run->cpu_usec)
        run->cpu = (double)(usec - run->cpu_usec) / (double)(now - run->sampled);
    run->cpu_usec = usec;
    run->sampled = now;
}

/* What its own host has found out. */
static void take_figures(TopRun *run)
{
    g_free(run->last_line);
    run->last_line = g_strdup(run_info_string(run->info, "last_line"));
    run->cpu = json_object_get_double_member_with_default(run->info->json, "cpu", -1);
}

static void take_info(TopModel *model, const char *host, RunInfo *info)
{
    int index = top_model_find(model, host, info->run_id);
    TopRun *run;
    if (index < 0) {
        run = top_run_new(model, host, info);
        g_ptr_array_add(model->runs, run);
    } else {
        run = model->runs->pdata[index];
        run_info_free(run->info);
        run->info = info;
    }
    run->seen = TRUE;
    if (host)
        take_figures(run);
    else
        sample_cpu(run);
}

const char *top_model_label(const TopModel *model, const char *project)
{
    const char *label = NULL;
    for (guint i = 0; !model->one_project && i < model->runs->len; i++) {
        const char *other = ((TopRun *)model->runs->pdata[i])->info->project;
        if (g_str_equal(other, project))
            continue;
        const char *tail = text_path_tail(project, other);
        label = label ? MIN(label, tail) : tail; /* the longest */
    }
    return label;
}

static gboolean is_wanted(const TopModel *model, const RunInfo *info)
{
    const char *agent = model->ctl->agent;
    return !agent || g_str_equal(info->agent, agent);
}

static int compare_runs(gconstpointer a, gconstpointer b)
{
    const TopRun *first = *(TopRun *const *)a, *second = *(TopRun *const *)b;
    int order = run_info_is_live(second->info) - run_info_is_live(first->info);
    if (order == 0)
        order = g_strcmp0(first->host, second->host);
    return order != 0 ? order : run_info_compare(first->info, second->info);
}

static void take_list(TopModel *model, const char *host, JsonNode *list)
{
    g_autoptr(GPtrArray) infos = run_info_list_from_json(list, model->project);
    for (guint i = 0; i < model->runs->len; i++) {
        TopRun *run = model->runs->pdata[i];
        run->seen = g_strcmp0(run->host, host) != 0;
    }
    while (infos->len > 0) {
        g_autoptr(RunInfo) info = g_ptr_array_steal_index_fast(infos, 0);
        if (is_wanted(model, info))
            take_info(model, host, g_steal_pointer(&info));
    }
    for (guint i = model->runs->len; i > 0; i--)
        if (!((TopRun *)model->runs->pdata[i - 1])->seen)
            g_ptr_array_remove_index(model->runs, i - 1);
    g_ptr_array_sort(model->runs, compare_runs);
}

void top_model_update(TopModel *model, JsonNode *list)
{
    take_list(model, NULL, list);
}

static void forget_problem(TopModel *model, const char *host)
{
    for (guint i = model->problems->len; i > 0; i--)
        if (g_str_equal(((TopProblem *)model->problems->pdata[i - 1])->host, host))
            g_ptr_array_remove_index(model->problems, i - 1);
}

void top_model_update_host(TopModel *model, const char *host, JsonNode *list)
{
    forget_problem(model, host);
    take_list(model, host, list);
}

void top_model_lose_host(TopModel *model, const char *host, const char *text)
{
    g_autoptr(JsonArray) no_runs = json_array_new();
    g_autoptr(JsonNode) nothing = json_node_init_array(json_node_alloc(), no_runs);
    TopProblem *problem = g_new(TopProblem, 1);
    forget_problem(model, host);
    take_list(model, host, nothing);
    *problem = (TopProblem){host, g_strdup(text)};
    g_ptr_array_add(model->problems, problem);
}

JsonNode *top_model_to_json(const TopModel *model)
{
    g_autoptr(JsonArray) array = json_array_new();
    for (guint i = 0; i < model->runs->len; i++) {
        const TopRun *run = model->runs->pdata[i];
        g_autoptr(JsonNode) node = run_info_to_json(run->info);
        JsonObject *object = json_node_get_object(node);
        if (run->cpu >= 0)
            json_object_set_double_member(object, "cpu", run->cpu);
        if (run->last_line)
            json_object_set_string_member(object, "last_line", run->last_line);
        json_array_add_element(array, g_steal_pointer(&node));
    }
    return json_node_init_array(json_node_alloc(), array);
}

void top_model_clear(TopModel *model)
{
    g_clear_pointer(&model->runs, g_ptr_array_unref);
    g_clear_pointer(&model->problems, g_ptr_array_unref);
}
