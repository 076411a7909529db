/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/slurm/wait.h"

#include <string.h>

#include "ctl/ctl-error.h"
#include "ctl/slurm/outputs.h"
#include "ctl/slurm/program.h"
#include "ctl/slurm/rows.h"

/* Of a job that the controller has forgotten, accounting may know: "FAILED|7:0". It says "CANCELLED
 * by 1000", too. */
static SlurmJob *ask_accounting(const RunInfo *info, GError **error)
{
    const char *id = run_info_string(info, "job");
    const char *argv[] = {"timeout", "10", "sacct",          "--noheader", "--allocations",
                          "-P",      "-o", "state,exitcode", "-j",         id,
                          NULL};
    g_autofree char *output = slurm_output(argv, NULL, NULL);
    char *bar = output ? strchr(output, '|') : NULL;
    if (!bar) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED,
                    "job %s of %s has ended, and Slurm has forgotten how: `storkitctl -H %s show "
                    "%s` may know",
                    id, info->story, run_info_string(info, "host") ?: "NODE", info->story);
        return NULL;
    }
    SlurmJob *job = g_new0(SlurmJob, 1);
    *job = (SlurmJob){
        .id = g_strdup(id),
        .state = g_strndup(output, strcspn(output, " |")),
        .reason = g_strdup("None"),
        .node = g_strdup(run_info_string(info, "host") ?: ""),
        .exit_code = (int)g_ascii_strtoll(bar + 1, NULL, 10),
        .project = g_strdup(info->project),
        .story = g_strdup(info->story),
        .agent = g_strdup(info->agent),
    };
    return job;
}

/* The run tells more. */
static RunInfo *find_run(const RunInfo *row, GPtrArray *runs)
{
    g_autoptr(GPtrArray) both = g_ptr_array_copy(runs, NULL, NULL);
    g_ptr_array_set_free_func(both, NULL);
    g_ptr_array_add(both, (RunInfo *)row);
    slurm_join_rows(both);
    for (guint i = 0; i < both->len; i++) {
        const RunInfo *info = both->pdata[i];
        if (info != row && !run_info_is_live(info) &&
            g_strcmp0(run_info_string(info, "job"), run_info_string(row, "job")) == 0)
            return (RunInfo *)info;
    }
    return NULL;
}

static RunInfo *copy(const RunInfo *info)
{
    g_autoptr(JsonNode) node = run_info_to_json(info);
    return run_info_new(node);
}

static RunInfo *end_of(const SlurmJob *job, GPtrArray *runs)
{
    RunInfo *row = slurm_row(job);
    slurm_forget_output(job);
    RunInfo *run = find_run(row, runs);
    if (!run)
        return row;
    run_info_free(row);
    return copy(run);
}

RunInfo *slurm_ended(const RunInfo *info, GPtrArray *jobs, GPtrArray *runs, GError **error)
{
    const SlurmJob *job = slurm_find(jobs, run_info_string(info, "job"));
    if (job)
        return slurm_job_is_live(job) ? NULL : end_of(job, runs);
    SlurmJob *known = ask_accounting(info, error);
    RunInfo *ended = known ? end_of(known, runs) : NULL;
    g_clear_pointer(&known, slurm_job_free);
    return ended;
}
