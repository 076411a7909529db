/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "info.h"
#include "select.h"
#include "verb.h"

/*
 * Stop, freeze, thaw: the same request to each of several runs, all at once.
 */

typedef struct {
    Ctl *ctl;
    guint outstanding;
    gboolean done;
    GError *error; /* the first one */
    const char *done_word;
} Control;

typedef struct {
    Control *control;
    RunInfo *info;
} ControlCall;

static void on_done(sd_bus_message *reply, const GError *error, gpointer data)
{
    g_autofree ControlCall *call = data;
    Control *control = call->control;

    if (!error)
        ctl_note(control->ctl, "%s/%s %s", call->info->story, call->info->agent,
                 control->done_word);
    else if (!control->error)
        control->error = g_error_copy(error);
    else if (!g_str_equal(error->message, control->error->message)) /* the service's name the run */
        ctl_warn("%s", error->message);
    control->done = --control->outstanding == 0;
}

static gboolean call_each(Control *control, GPtrArray *runs, const char *method, GError **error)
{
    for (guint i = 0; i < runs->len; i++) {
        RunInfo *info = runs->pdata[i];
        ControlCall *call = g_new(ControlCall, 1);
        *call = (ControlCall){.control = control, .info = info};
        if (!bus_call_async(control->ctl->bus, method, on_done, call, NULL, error, "sss",
                            info->project, info->story, info->agent)) {
            g_free(call);
            return FALSE;
        }
        control->outstanding++;
    }
    return TRUE;
}

static int control_runs(Ctl *ctl, char **arguments, const char *method, const char *done_word,
                        GError **error)
{
    Control control = {.ctl = ctl, .done_word = done_word};
    g_autoptr(GPtrArray) runs = select_runs(ctl, arguments, SELECT_ONE, error);

    if (!runs || !ctl_attach_event(ctl, error) || !call_each(&control, runs, method, error))
        return -1;
    if (!ctl_run_event(ctl, &control.done, error))
        return -1;
    if (!control.error)
        return 0;
    g_propagate_error(error, control.error);
    return -1;
}

static int stop(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    return control_runs(ctl, arguments, "Stop", "stopped", error);
}

static int freeze(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    return control_runs(ctl, arguments, "Freeze", "frozen", error);
}

static int thaw(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    return control_runs(ctl, arguments, "Thaw", "running again", error);
}

const Verb stop_verb = {
    .name = "stop",
    .synopsis = "RUN…",
    .summary = "Stop runs; their worktrees stay",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .run = stop,
};

const Verb freeze_verb = {
    .name = "freeze",
    .synopsis = "RUN…",
    .summary = "Halt every process of runs where it is",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .run = freeze,
};

const Verb thaw_verb = {
    .name = "thaw",
    .synopsis = "RUN…",
    .summary = "Let frozen runs go on",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .run = thaw,
};
