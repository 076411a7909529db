/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/slurm/rows.h"

#include "ctl/ctl.h"
#include "ctl/slurm/outputs.h"

static char *error_of(const SlurmJob *job)
{
    if (slurm_job_is_stopped(job))
        return g_strdup("stopped");
    return g_strdup_printf("Slurm's job %s ended as %s (%s)", job->id, job->state, job->reason);
}

RunInfo *slurm_row(const SlurmJob *job)
{
    g_autoptr(JsonObject) object = json_object_new();
    const char *status = slurm_job_status(job);
    g_autofree char *error = g_str_equal(status, "failed") ? error_of(job) : NULL;
    json_object_set_string_member(object, "project_root", job->project);
    json_object_set_string_member(object, "story_id", job->story);
    json_object_set_string_member(object, "agent_name", job->agent);
    json_object_set_string_member(object, "status", status);
    json_object_set_string_member(object, "job", job->id);
    json_object_set_string_member(object, "job_state", job->state);
    json_object_set_string_member(object, "job_reason", job->reason);
    json_object_set_int_member(object, "created", job->created);
    if (*job->node)
        json_object_set_string_member(object, "host", job->node);
    if (error)
        json_object_set_string_member(object, "error", error);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
    return run_info_new(node);
}

/* One that ended well has left a run; one that was stopped is gone as a run is after a stop. */
static gboolean is_listed(const SlurmJob *job, const char *project)
{
    return !g_str_equal(slurm_job_status(job), "completed") && !slurm_job_is_stopped(job) &&
           (!project || g_str_equal(job->project, project));
}

static gboolean is_row(const RunInfo *info)
{
    return run_info_string(info, "job") && !*info->run_id;
}

/* The run began in the job: there is none before the job has a place. */
static gboolean is_run_of(const RunInfo *info, const RunInfo *row)
{
    return *info->run_id && !run_info_is_pending(row) && g_str_equal(info->story, row->story) &&
           g_str_equal(info->project, row->project) &&
           (!*row->agent || g_str_equal(info->agent, row->agent)) &&
           run_info_uint(info, "started", 0) >= run_info_uint(row, "created", 0);
}

static RunInfo *find_run_of(GPtrArray *runs, const RunInfo *row)
{
    for (guint i = 0; i < runs->len; i++)
        if (is_run_of(runs->pdata[i], row))
            return runs->pdata[i];
    return NULL;
}

void slurm_join_rows(GPtrArray *runs)
{
    for (guint i = runs->len; i > 0; i--) {
        RunInfo *row = runs->pdata[i - 1];
        RunInfo *run = is_row(row) ? find_run_of(runs, row) : NULL;
        if (!run)
            continue;
        json_object_set_string_member(run->json, "job", run_info_string(row, "job"));
        g_ptr_array_remove_index(runs, i - 1);
    }
}

static int compare(gconstpointer a, gconstpointer b)
{
    return run_info_compare(*(RunInfo *const *)a, *(RunInfo *const *)b);
}

void slurm_add_rows(GPtrArray *runs, const char *project)
{
    g_autoptr(GError) problem = NULL;
    if (!slurm_is_used())
        return;
    g_autoptr(GPtrArray) jobs = slurm_jobs(&problem);
    if (!jobs) {
        ctl_warn("%s: jobs of Slurm are missing here", problem->message);
        return;
    }
    for (guint i = 0; i < jobs->len; i++) {
        slurm_forget_output(jobs->pdata[i]);
        if (is_listed(jobs->pdata[i], project))
            g_ptr_array_add(runs, slurm_row(jobs->pdata[i]));
    }
    slurm_join_rows(runs);
    g_ptr_array_sort(runs, compare);
}

gboolean slurm_has(const RunInfo *info)
{
    return is_row(info) || (run_info_string(info, "job") && run_info_string(info, "host"));
}
