/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/slurm/jobs.h"

#include <string.h>

#include "ctl/ctl-error.h"
#include "ctl/slurm/program.h"

#define MARK "storkit "

/* A controller that is away lets squeue wait for minutes. */
#define PATIENCE "10"

/* Each field has a size, to which it is filled up: without one squeue takes 20, and cuts. */
#define FORMAT                                                                                     \
    "--Format=JobID:20|,State:20|,Reason:100|,NodeList:200|,SubmitTime:30|,exit_code:20|,"         \
    "Comment:2000"
enum {
    FIELD_ID,
    FIELD_STATE,
    FIELD_REASON,
    FIELD_NODE,
    FIELD_CREATED,
    FIELD_EXIT_CODE,
    FIELD_COMMENT,
    N_FIELDS,
};

/* The path may hold characters that accounting, or a line, does not take. */
char *slurm_comment(const char *project, const char *story, const char *agent)
{
    g_autofree char *path = g_uri_escape_string(project, "/", FALSE);
    return g_strdup_printf(MARK "%s%s%s %s", story, *agent ? "/" : "", agent, path);
}

char *slurm_output_folder(void)
{
    return g_build_filename(g_get_user_state_dir(), "storkit", "slurm", NULL);
}

gboolean slurm_is_used(void)
{
    g_autofree char *folder = slurm_output_folder();
    return g_file_test(folder, G_FILE_TEST_IS_DIR);
}

void slurm_job_free(SlurmJob *job)
{
    g_free(job->id);
    g_free(job->state);
    g_free(job->reason);
    g_free(job->node);
    g_free(job->project);
    g_free(job->story);
    g_free(job->agent);
    g_free(job);
}

/* "storkit STORY[/AGENT] PROJECT"; FALSE for any other one. */
static gboolean read_comment(SlurmJob *job, const char *comment)
{
    if (!g_str_has_prefix(comment, MARK))
        return FALSE;
    g_auto(GStrv) words = g_strsplit(comment + strlen(MARK), " ", -1);
    if (g_strv_length(words) != 2 || !(job->project = g_uri_unescape_string(words[1], NULL)))
        return FALSE;
    char *slash = strchr(words[0], '/');
    job->story = slash ? g_strndup(words[0], slash - words[0]) : g_strdup(words[0]);
    job->agent = g_strdup(slash ? slash + 1 : "");
    return TRUE;
}

/* In the local time, which is also this process's. */
static gint64 read_time(const char *text)
{
    g_autoptr(GTimeZone) local = g_time_zone_new_local();
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, local);
    return time ? g_date_time_to_unix(time) * G_USEC_PER_SEC : 0;
}

/* squeue 22.05 prints what wait(2) gave, sacct "CODE:SIGNAL". */
static int read_exit_code(const char *text)
{
    gint64 number = g_ascii_strtoll(text, NULL, 10);
    return (int)(strchr(text, ':') || number < 256 ? number : number >> 8);
}

static void add_line(GPtrArray *jobs, const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, "|", N_FIELDS);
    if (g_strv_length(fields) != N_FIELDS)
        return;
    for (gsize i = 0; i < N_FIELDS; i++)
        g_strstrip(fields[i]);
    SlurmJob *job = g_new0(SlurmJob, 1);
    if (!read_comment(job, fields[FIELD_COMMENT])) {
        slurm_job_free(job);
        return;
    }
    job->id = g_strdup(fields[FIELD_ID]);
    job->state = g_strdup(fields[FIELD_STATE]);
    job->reason = g_strdup(fields[FIELD_REASON]);
    job->node = g_strdup(fields[FIELD_NODE]);
    job->created = read_time(fields[FIELD_CREATED]);
    job->exit_code = read_exit_code(fields[FIELD_EXIT_CODE]);
    g_ptr_array_add(jobs, job);
}

GPtrArray *slurm_jobs(GError **error)
{
    static const char *const argv[] = {"timeout", PATIENCE,       "squeue", "--noheader",
                                       "--me",    "--states=all", FORMAT,   NULL};
    g_autofree char *output = slurm_output(argv, NULL, error);
    if (!output)
        return NULL;
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
    GPtrArray *jobs = g_ptr_array_new_with_free_func((GDestroyNotify)slurm_job_free);
    for (gsize i = 0; lines[i]; i++)
        add_line(jobs, lines[i]);
    return jobs;
}

/* Whatever else Slurm calls a job, now or later, the job has ended without success. */
const char *slurm_job_status(const SlurmJob *job)
{
    static const struct {
        const char *state, *status;
    } known[] = {
        {"PENDING", "pending"},      {"CONFIGURING", "pending"}, {"REQUEUED", "pending"},
        {"REQUEUE_HOLD", "pending"}, {"REQUEUE_FED", "pending"}, {"RESV_DEL_HOLD", "pending"},
        {"SPECIAL_EXIT", "pending"}, {"RUNNING", "running"},     {"COMPLETING", "running"},
        {"SUSPENDED", "running"},    {"STOPPED", "running"},     {"SIGNALING", "running"},
        {"STAGE_OUT", "running"},    {"RESIZING", "running"},    {"COMPLETED", "completed"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(known[i].state, job->state))
            return known[i].status;
    return "failed";
}

gboolean slurm_job_is_live(const SlurmJob *job)
{
    const char *status = slurm_job_status(job);
    return g_str_equal(status, "pending") || g_str_equal(status, "running");
}

/* Also by `storkitctl stop` on its node, which ends its lease with that status. */
gboolean slurm_job_is_stopped(const SlurmJob *job)
{
    return g_str_has_prefix(job->state, "CANCELLED") ||
           (g_str_equal(job->state, "FAILED") && job->exit_code == CTL_EXIT_RUN_STOPPED);
}

SlurmJob *slurm_find(GPtrArray *jobs, const char *id)
{
    for (guint i = 0; i < jobs->len; i++)
        if (g_str_equal(((SlurmJob *)jobs->pdata[i])->id, id))
            return jobs->pdata[i];
    return NULL;
}
