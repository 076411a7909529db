/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/slurm/cancel.h"

#include "ctl/info.h"
#include "ctl/slurm/jobs.h"
#include "ctl/slurm/outputs.h"
#include "ctl/slurm/program.h"

/* Between two questions to Slurm: short at first, since an agent that is told to stop mostly does
 * so. */
#define FIRST_SECONDS 1
#define MOST_SECONDS 5

/* It is no error that a job has ended meanwhile. */
static gboolean tell(const char *id, gboolean kindly, GError **error)
{
    const char *kind_argv[] = {"scancel", "--quiet", "--batch", "--signal=TERM", id, NULL};
    const char *argv[] = {"scancel", "--quiet", id, NULL};
    g_autofree char *output = slurm_output(kindly ? kind_argv : argv, NULL, error);
    return output != NULL;
}

/* Those of @runs whose jobs have not ended. Caller: g_ptr_array_unref(). */
static GPtrArray *find_live(GPtrArray *runs, GError **error)
{
    g_autoptr(GPtrArray) jobs = slurm_jobs(error);
    g_autoptr(GPtrArray) live = g_ptr_array_new();
    if (!jobs)
        return NULL;
    for (guint i = 0; i < runs->len; i++) {
        const SlurmJob *job = slurm_find(jobs, run_info_string(runs->pdata[i], "job"));
        if (job && slurm_job_is_live(job))
            g_ptr_array_add(live, runs->pdata[i]);
        else if (job)
            slurm_forget_output(job);
    }
    return g_steal_pointer(&live);
}

static gboolean tell_each(GPtrArray *runs, gboolean kindly, GError **error)
{
    for (guint i = 0; i < runs->len; i++) {
        const RunInfo *info = runs->pdata[i];
        if (!tell(run_info_string(info, "job"), kindly && !run_info_is_pending(info), error))
            return FALSE;
    }
    return TRUE;
}

/* In seconds. A test does not wait for so long. */
static guint grace(void)
{
    const char *lowered = g_getenv("STORKIT_SLURM_GRACE");
    guint64 seconds;
    return lowered &&
                   g_ascii_string_to_unsigned(lowered, 10, 0, SLURM_GRACE_SECONDS, &seconds, NULL)
               ? (guint)seconds
               : SLURM_GRACE_SECONDS;
}

static gboolean wait_for_ends(GPtrArray *runs, GError **error)
{
    guint waited = 0, pause = FIRST_SECONDS;
    gboolean insisted = FALSE;
    while (TRUE) {
        g_autoptr(GPtrArray) live = find_live(runs, error);
        if (!live || live->len == 0)
            return live != NULL;
        if (waited >= grace() && !insisted) {
            insisted = TRUE;
            if (!tell_each(live, FALSE, error))
                return FALSE;
        }
        g_usleep(pause * G_USEC_PER_SEC);
        waited += pause;
        pause = MIN(pause + 1, MOST_SECONDS);
    }
}

gboolean slurm_cancel(Ctl *ctl, GPtrArray *runs, GError **error)
{
    if (!tell_each(runs, TRUE, error) || !wait_for_ends(runs, error))
        return FALSE;
    for (guint i = 0; i < runs->len; i++) {
        const RunInfo *info = runs->pdata[i];
        if (!ctl->json)
            ctl_note(ctl, "%s%s%s stopped (job %s)", info->story, *info->agent ? "/" : "",
                     info->agent, run_info_string(info, "job"));
    }
    return TRUE;
}
