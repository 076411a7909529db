/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/slurm/submit.h"

#include <errno.h>
#include <string.h>

#include "ctl/slurm/cancel.h"
#include "ctl/slurm/jobs.h"
#include "ctl/slurm/outputs.h"
#include "ctl/slurm/program.h"

/* The job's shell becomes storkitctl, which so is the process that B: means. It is given time to
 * stop its agent before the job's own time is over. A node that fails takes the lease with it, and
 * the agent: whether the story is begun once more is for a person to say. */
static const char *const fixed_options[] = {
    "--parsable",
    "--export=NONE",
    "--no-requeue",
    "--open-mode=append",
    "--signal=B:TERM@" G_STRINGIFY(SLURM_GRACE_SECONDS),
};

/* As the service has it: names go into file names here, too. */
static gboolean check_name(const char *what, const char *name, GError **error)
{
    if (g_regex_match_simple("^(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", name,
                             G_REGEX_DOLLAR_ENDONLY, 0))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "%s '%s' is not valid: use 1 to 64 letters, digits, dots, dashes and underscores, "
                "a letter or digit first",
                what, name);
    return FALSE;
}

/* sbatch replaces %j by the job's number, and so on. */
static char *escape_pattern(const char *path)
{
    g_autoptr(GString) escaped = g_string_new(path);
    g_string_replace(escaped, "%", "%%", 0);
    return g_string_free(g_steal_pointer(&escaped), FALSE);
}

static char *make_output_option(const StartTarget *target, GError **error)
{
    g_autofree char *folder = slurm_output_folder();
    g_autofree char *escaped = escape_pattern(folder);
    if (g_mkdir_with_parents(folder, 0700) == 0)
        return g_strdup_printf("--output=%s/%s.%%j.out", escaped, target->story);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot make the folder %s: %s", folder,
                g_strerror(errno));
    return NULL;
}

static char *run_name(const StartTarget *target, const char *separator)
{
    return g_strconcat(target->story, *target->agent ? separator : "", target->agent, NULL);
}

/* Each word as the shell of the job reads it. */
static char *make_script(const StartTarget *target, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *project = g_shell_quote(target->project);
    g_ptr_array_add(words, run_name(target, "/"));
    if (!start_add_words(words, target, error))
        return NULL;
    g_autoptr(GString) script = g_string_new("#!/bin/sh\nexec storkitctl");
    g_string_append_printf(script, " -C %s run", project);
    for (guint i = 0; i < words->len; i++) {
        g_autofree char *quoted = g_shell_quote(words->pdata[i]);
        g_string_append_printf(script, " %s", quoted);
    }
    g_string_append_c(script, '\n');
    return g_string_free(g_steal_pointer(&script), FALSE);
}

static void add(GPtrArray *argv, const char *option, char *value)
{
    g_ptr_array_add(argv, g_strconcat(option, value, NULL));
    g_free(value);
}

/* Those in @passed come last, and so count before ours. */
static GPtrArray *make_argv(const StartTarget *target, const char *output, char *const *passed)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(argv, g_strdup("sbatch"));
    for (gsize i = 0; i < G_N_ELEMENTS(fixed_options); i++)
        g_ptr_array_add(argv, g_strdup(fixed_options[i]));
    add(argv, "--job-name=", run_name(target, "."));
    add(argv, "--comment=", slurm_comment(target->project, target->story, target->agent));
    add(argv, "--chdir=", g_strdup(target->project));
    g_ptr_array_add(argv, g_strdup(output));
    for (; passed && *passed; passed++)
        g_ptr_array_add(argv, g_strdup(*passed));
    g_ptr_array_add(argv, NULL);
    return argv;
}

char *slurm_submit(const StartTarget *target, char *const *passed, GError **error)
{
    if (!check_name("story", target->story, error) ||
        (*target->agent && !check_name("agent", target->agent, error)))
        return NULL;
    g_autofree char *script = make_script(target, error);
    g_autofree char *output = script ? make_output_option(target, error) : NULL;
    if (!output)
        return NULL;
    g_autoptr(GPtrArray) argv = make_argv(target, output, passed);
    slurm_sweep_outputs();
    char *id = slurm_output((const char *const *)argv->pdata, script, error);
    if (id)
        id[strcspn(id, ";\n")] = '\0'; /* "ID;CLUSTER" */
    return id;
}
