/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/top-model.h"

#include "ctl/events.h"
#include "ctl/json-path.h"
#include "ctl/journal.h"
#include "ctl/text.h"

static void top_run_free(gpointer data)
{
    TopRun *run = data;
    run_info_free(run->info);
    g_free(run->last_line);
    g_clear_pointer(&run->follow, follow_free);
    g_free(run);
}

void top_model_init(TopModel *model, Ctl *ctl, const char *project)
{
    *model = (TopModel){
        .ctl = ctl,
        .project = project,
        .runs = g_ptr_array_new_with_free_func(top_run_free),
    };
}

int top_model_find(const TopModel *model, const char *run_id)
{
    for (guint i = 0; i < model->runs->len; i++)
        if (g_str_equal(((TopRun *)model->runs->pdata[i])->info->run_id, run_id))
            return (int)i;
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

static TopRun *top_run_new(TopModel *model, RunInfo *info)
{
    static const FollowHandler handler = {.event = on_event, .end = on_end};
    TopRun *run = g_new0(TopRun, 1);
    run->info = info;
    run->cpu = -1;
    run->last_line = last_line_from_journal(info->run_id);
    if (run_info_is_live(info))
        run->follow =
            follow_new(model->ctl, info->run_id, run_info_uint(info, "cursor", 0), &handler, run);
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

static void take_info(TopModel *model, RunInfo *info)
{
    int index = top_model_find(model, info->run_id);
    TopRun *run;
    if (index < 0) {
        run = top_run_new(model, info);
        g_ptr_array_add(model->runs, run);
    } else {
        run = model->runs->pdata[index];
        run_info_free(run->info);
        run->info = info;
    }
    run->seen = TRUE;
    sample_cpu(run);
}

const char *top_model_label(const TopModel *model, const char *project)
{
    const char *label = NULL;
    for (guint i = 0; i < model->runs->len; i++) {
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
    const RunInfo *first = (*(TopRun *const *)a)->info, *second = (*(TopRun *const *)b)->info;
    int order = run_info_is_live(second) - run_info_is_live(first);
    return order != 0 ? order : run_info_compare(first, second);
}

void top_model_update(TopModel *model, JsonNode *list)
{
    g_autoptr(GPtrArray) infos = run_info_list_from_json(list, model->project);
    for (guint i = 0; i < model->runs->len; i++)
        ((TopRun *)model->runs->pdata[i])->seen = FALSE;
    while (infos->len > 0) {
        g_autoptr(RunInfo) info = g_ptr_array_steal_index_fast(infos, 0);
        if (is_wanted(model, info))
            take_info(model, g_steal_pointer(&info));
    }
    for (guint i = model->runs->len; i > 0; i--)
        if (!((TopRun *)model->runs->pdata[i - 1])->seen)
            g_ptr_array_remove_index(model->runs, i - 1);
    g_ptr_array_sort(model->runs, compare_runs);
}

void top_model_clear(TopModel *model)
{
    g_clear_pointer(&model->runs, g_ptr_array_unref);
}
