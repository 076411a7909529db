/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/slurm/program.h"

#include <gio/gio.h>
#include <string.h>

#include "ctl/ctl-error.h"

/* What timeout(1) says of a program that it has ended. */
#define TIMED_OUT 124

static const char *name_of(const char *const *argv)
{
    return g_str_equal(argv[0], "timeout") ? argv[2] : argv[0];
}

/* A person's SQUEUE_STATES=RUNNING would hide the jobs that wait. */
static void forget_settings(GSubprocessLauncher *launcher)
{
    static const char *const prefixes[] = {"SQUEUE_", "SCANCEL_", "SLURM_TIME_FORMAT"};
    g_auto(GStrv) names = g_listenv();
    for (gsize i = 0; names[i]; i++)
        for (gsize j = 0; j < G_N_ELEMENTS(prefixes); j++)
            if (g_str_has_prefix(names[i], prefixes[j]))
                g_subprocess_launcher_unsetenv(launcher, names[i]);
}

/* The last line of "sbatch: error: …", without what every line begins with. */
static char *last_line(const char *said, const char *program)
{
    g_autofree char *text = g_strchomp(g_strdup(said ?: ""));
    g_autofree char *prefix = g_strdup_printf("%s: ", program);
    const char *line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    if (g_str_has_prefix(line, prefix))
        line += strlen(prefix);
    if (g_str_has_prefix(line, "error: "))
        line += strlen("error: ");
    return g_strdup(line);
}

static void set_failure(GError **error, GSubprocess *process, const char *program, const char *said)
{
    g_autofree char *line = last_line(said, program);
    gboolean exited = g_subprocess_get_if_exited(process);
    if (exited && g_subprocess_get_exit_status(process) == TIMED_OUT)
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED,
                    "%s: Slurm's controller does not answer: `scontrol ping` asks it", program);
    else
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "%s: %s", program,
                    *line ? line : "it failed and said nothing");
}

char *slurm_output(const char *const *argv, const char *input, GError **error)
{
    g_autoptr(GError) problem = NULL;
    GSubprocessFlags flags = G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE;
    if (input)
        flags |= G_SUBPROCESS_FLAGS_STDIN_PIPE;
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(flags);
    forget_settings(launcher);
    g_autoptr(GSubprocess) process = g_subprocess_launcher_spawnv(launcher, argv, &problem);
    if (!process) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot run %s: %s%s", argv[0],
                    problem->message,
                    g_error_matches(problem, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT)
                        ? "; install Slurm's commands (Debian: slurm-client)"
                        : "");
        return NULL;
    }
    g_autoptr(GBytes) in = input ? g_bytes_new_static(input, strlen(input)) : NULL;
    g_autoptr(GBytes) out = NULL, said = NULL;
    /* A program that does not read all of it has failed, and says why. */
    (void)g_subprocess_communicate(process, in, NULL, &out, &said, NULL);
    (void)g_subprocess_wait(process, NULL, NULL);
    if (g_subprocess_get_successful(process) && out)
        return g_strchomp(g_strndup(g_bytes_get_data(out, NULL) ?: "", g_bytes_get_size(out)));
    g_autofree char *errors =
        said ? g_strndup(g_bytes_get_data(said, NULL) ?: "", g_bytes_get_size(said)) : NULL;
    set_failure(error, process, name_of(argv), errors);
    return NULL;
}
