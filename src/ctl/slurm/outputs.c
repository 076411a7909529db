/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/slurm/outputs.h"

#include <glib/gstdio.h>
#include <string.h>

#define SUFFIX ".out"
#define OLD_SECONDS (7 * 24 * 60 * 60)

void slurm_forget_output(const SlurmJob *job)
{
    g_autofree char *folder = slurm_output_folder();
    g_autofree char *name = g_strdup_printf("%s.%s" SUFFIX, job->story, job->id);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    gboolean is_over = !slurm_job_is_live(job);
    gboolean is_fine = g_str_equal(slurm_job_status(job), "completed") || slurm_job_is_stopped(job);
    if (is_over && is_fine)
        (void)g_unlink(path);
}

static gboolean is_old(const char *path)
{
    GStatBuf file;
    return g_str_has_suffix(path, SUFFIX) && g_lstat(path, &file) == 0 && S_ISREG(file.st_mode) &&
           g_get_real_time() / G_USEC_PER_SEC - file.st_mtime > OLD_SECONDS;
}

/* Paths. Caller: g_ptr_array_unref(). */
static GPtrArray *list_old(void)
{
    g_autofree char *folder = slurm_output_folder();
    g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
    GPtrArray *old = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    while (directory && (name = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (is_old(path))
            g_ptr_array_add(old, g_steal_pointer(&path));
    }
    return old;
}

/* STORY.JOB.out */
static gboolean is_of_live(const char *path, GPtrArray *jobs)
{
    g_autofree char *stem = g_strndup(path, strlen(path) - strlen(SUFFIX));
    const char *dot = strrchr(stem, '.');
    const SlurmJob *job = dot ? slurm_find(jobs, dot + 1) : NULL;
    return job && slurm_job_is_live(job);
}

void slurm_sweep_outputs(void)
{
    g_autoptr(GPtrArray) old = list_old();
    g_autoptr(GPtrArray) jobs = old->len > 0 ? slurm_jobs(NULL) : NULL;
    for (guint i = 0; jobs && i < old->len; i++)
        if (!is_of_live(old->pdata[i], jobs))
            (void)g_unlink(old->pdata[i]);
}
