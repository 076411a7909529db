/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>

#include "ctl/verb.h"
#include "ctl/verbs/start.h"
#include "ctl/verbs/wait.h"
#include "ctl/verbs/watch.h"

/*
 * A run that lives as long as this command: for whatever places work (a batch system, a CI, a
 * timer), which knows how to end a process.
 */

static const int killers[] = {SIGINT, SIGTERM, SIGHUP};

typedef struct {
    Ctl *ctl;
    const StartTarget *target;
    sd_event_source *sources[G_N_ELEMENTS(killers)];
    gboolean stopping;
} Lease;

/* The waiting call sees the run's end. If there is no run yet, its Start is under way: the next
 * signal stops it. */
static void on_stopped(sd_bus_message *reply, const GError *error, gpointer data)
{
    ((Lease *)data)->stopping = error == NULL;
}

static int on_killed(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    Lease *lease = userdata;
    const StartTarget *target = lease->target;
    if (!lease->stopping)
        lease->stopping = bus_call_async(lease->ctl->bus, "Stop", on_stopped, lease, NULL, NULL,
                                         "sss", target->project, target->story, target->agent);
    return 0;
}

static void listen_for_killers(Lease *lease)
{
    sigset_t set;
    sigemptyset(&set);
    for (gsize i = 0; i < G_N_ELEMENTS(killers); i++)
        sigaddset(&set, killers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(killers); i++)
        (void)sd_event_add_signal(lease->ctl->event, &lease->sources[i], killers[i], on_killed,
                                  lease);
}

static void lease_clear(Lease *lease)
{
    for (gsize i = 0; i < G_N_ELEMENTS(killers); i++)
        sd_event_source_disable_unref(lease->sources[i]);
}

/* The agent's own where it says that something went wrong. */
static int status_of(Ctl *ctl, const RunInfo *run, int status)
{
    g_autoptr(RunInfo) now = run_info_get(ctl->bus, run->project, run->story, run->agent, NULL);
    guint64 code = now ? run_info_uint(now, "exit_code", 0) : 0;
    if (status != CTL_EXIT_RUN_FAILED || !now || !g_str_equal(now->run_id, run->run_id))
        return status;
    return code > 0 && code < 256 ? (int)code : status;
}

static int hold(Lease *lease, GError **error)
{
    Ctl *ctl = lease->ctl;
    g_autoptr(RunInfo) info = start_run(ctl, lease->target, error);
    g_autoptr(GPtrArray) runs = g_ptr_array_new();
    if (!info)
        return -1;
    g_ptr_array_add(runs, info);
    if (!watch_runs(ctl, runs, error))
        return -1;
    ctl->quiet = TRUE; /* its last event reported the end */
    int status = wait_for_runs(ctl, runs, FALSE, WAIT_FOREVER, error);
    return status < 0 ? status : status_of(ctl, info, status);
}

static int run(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_auto(StartRequest) request = {0};
    if (!start_request_read(ctl, arguments[0], &request, error) || !ctl_attach_event(ctl, error))
        return -1;
    start_arguments.foreground = TRUE;
    Lease lease = {.ctl = ctl, .target = &request.target};
    listen_for_killers(&lease);
    int status = hold(&lease, error);
    lease_clear(&lease);
    return status;
}

const Verb run_verb = {
    .name = "run",
    .synopsis = "STORY[/AGENT]",
    .summary = "Start an agent and stay; a signal stops it",
    .arguments = ARGUMENT_NEW_RUN,
    .most = 1,
    .options = start_options + ON_OPTIONS,
    .run = run,
};
