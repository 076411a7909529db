/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/slurm/there.h"

#include <unistd.h>

#include "ctl/select.h"
#include "ctl/slurm/rows.h"

/* Slurm's own account of the job, and of the step that looks at it, is nobody's business there. */
static void become_step(const Ctl *ctl, const RunInfo *row, char *const *words, GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(argv, g_strdup("srun"));
    g_ptr_array_add(argv, g_strdup_printf("--jobid=%s", run_info_string(row, "job")));
    g_ptr_array_add(argv, g_strdup("--overlap"));
    g_ptr_array_add(argv, g_strdup("--quiet"));
    g_ptr_array_add(argv, g_strdup("--ntasks=1"));
    g_ptr_array_add(argv, g_strdup("--export=HOME,PATH,TERM,COLORTERM,LANG,LC_ALL,NO_COLOR"));
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        g_ptr_array_add(argv, g_strdup("--pty"));
    g_ptr_array_add(argv, g_strdup("storkitctl"));
    if (!ctl->directory) {
        g_ptr_array_add(argv, g_strdup("-C"));
        g_ptr_array_add(argv, g_strdup(row->project));
    }
    for (; *words; words++)
        g_ptr_array_add(argv, g_strdup(*words));
    g_ptr_array_add(argv, NULL);
    ctl_exec((char *const *)argv->pdata, error);
}

/* The only one that @argument means, or NULL. Caller: run_info_free(). */
static RunInfo *find_row(Ctl *ctl, const char *argument)
{
    char *const arguments[] = {(char *)argument, NULL};
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)run_info_free);
    slurm_add_rows(rows, ctl->project);
    g_autoptr(GPtrArray) found = select_listed(ctl, rows, arguments, SELECT_ONE, NULL);
    return found && found->len == 1 ? g_ptr_array_steal_index(found, 0) : NULL;
}

/* A run that nobody here knows, or that is another host's. */
static gboolean may_be_there(const GError *problem)
{
    return g_error_matches(problem, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN) ||
           g_error_matches(problem, CTL_ERROR, CTL_ERROR_REFUSED);
}

gboolean slurm_try_there(Ctl *ctl, const Verb *verb, char **arguments, char *const *words,
                         const GError *problem, GError **error)
{
    const char *named = arguments[0] ?: ctl->story;
    if (!verb->in_job || !named || !may_be_there(problem) || !slurm_is_used())
        return TRUE;
    g_autoptr(RunInfo) row = find_row(ctl, named);
    if (!row || !run_info_is_live(row))
        return TRUE;
    if (run_info_is_running(row)) {
        become_step(ctl, row, words, error);
        return FALSE;
    }
    g_set_error(error, CTL_ERROR, CTL_ERROR_REFUSED,
                "%s waits in Slurm's queue as job %s (%s): `storkitctl list` shows when it runs",
                row->story, run_info_string(row, "job"), run_info_string(row, "job_reason"));
    return FALSE;
}
