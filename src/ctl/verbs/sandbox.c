/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <unistd.h>

#include "base/install-paths.h"
#include "ctl/select.h"
#include "ctl/verb.h"

/*
 * Runs a command in the confinement of a run, as described in its folder, so that people can find
 * out what the agent may do.
 */

/* Of the run's folder: the agent's TMPDIR. */
#define TEMPORARY_FOLDER "tmp"

static const char *shim_program(void)
{
    const char *program = g_getenv("STORKIT_SHIM");
    return program && *program ? program : STORKIT_SHIM_PATH;
}

static char *run_folder(const RunInfo *info)
{
    return g_build_filename(g_get_user_state_dir(), "storkit", "runs", info->run_id, NULL);
}

/* The agent's own is gone once the run has ended. */
static void set_temporary_folder(const char *folder)
{
    g_autofree char *temporary = g_build_filename(folder, TEMPORARY_FOLDER, NULL);
    if (g_file_test(temporary, G_FILE_TEST_IS_DIR))
        g_setenv("TMPDIR", temporary, TRUE);
}

static gboolean enter_worktree(const RunInfo *info, GError **error)
{
    const char *worktree = run_info_string(info, "worktree_path");
    if (worktree && chdir(worktree) == 0)
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot enter the worktree of %s: %s",
                info->story, worktree ? g_strerror(errno) : "it has none yet");
    return FALSE;
}

static int run_in_sandbox(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(RunInfo) info = select_run(ctl, arguments[0], error);
    if (!info)
        return -1;
    if (!passed || !*passed) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "no command: write storkitctl sandbox STORY -- COMMAND");
        return -1;
    }
    if (!run_info_string(info, "sandbox")) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED,
                    "%s/%s runs without a sandbox: set sandbox = \"worktree\" in "
                    ".storkit/project.toml, or start it with --sandbox=worktree",
                    info->story, info->agent);
        return -1;
    }
    if (!enter_worktree(info, error))
        return -1;
    g_autofree char *folder = run_folder(info);
    set_temporary_folder(folder);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(argv, g_strdup(shim_program()));
    g_ptr_array_add(argv, g_strdup_printf("--confine=%s", folder));
    g_ptr_array_add(argv, g_strdup("--"));
    for (char **word = passed; *word; word++)
        g_ptr_array_add(argv, g_strdup(*word));
    g_ptr_array_add(argv, NULL);
    ctl_exec((char *const *)argv->pdata, error);
    return -1;
}

const Verb sandbox_verb = {
    .name = "sandbox",
    .synopsis = "[RUN] -- COMMAND…",
    .summary = "Run a command as confined as the agent of a run",
    .arguments = ARGUMENT_RUN,
    .most = 1,
    .passes_on = TRUE,
    .run = run_in_sandbox,
};
