/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/wait.h"

#include <stdio.h>

#include "ctl/format.h"
#include "ctl/info.h"
#include "ctl/json-order.h"
#include "ctl/message-json.h"
#include "ctl/select.h"
#include "ctl/slurm/rows.h"
#include "ctl/slurm/wait.h"
#include "ctl/verb.h"

#define RETRY_USEC (500 * G_TIME_SPAN_MILLISECOND)
#define PATIENCE_USEC (60 * G_TIME_SPAN_SECOND)

static gboolean arg_any, arg_all;
static char *arg_timeout;

typedef struct {
    Ctl *ctl;
    gboolean any;
    guint outstanding;
    gboolean done;
    int status;
    GError *error;
    GPtrArray *in_jobs; /* of RunInfo: those that Slurm is asked for */
    sd_event_source *look;
} Wait;

typedef struct {
    Wait *wait;
    const RunInfo *info;
    sd_bus_slot *call;
    sd_event_source *timer;
    gint64 lost_since; /* monotonic; 0: the service is there */
} WaitRun;

static void ask(WaitRun *run);

static void wait_run_free(gpointer data)
{
    WaitRun *run = data;
    sd_bus_slot_unref(run->call);
    sd_event_source_disable_unref(run->timer);
    g_free(run);
}

/* A failed run says more than a stopped one. */
int wait_worse(int a, int b)
{
    return a == CTL_EXIT_RUN_FAILED || b == 0 ? a : b;
}

void wait_print_ending(Ctl *ctl, const RunInfo *info)
{
    if (ctl->json) {
        g_autoptr(JsonNode) node = run_info_to_json(info);
        g_autoptr(JsonNode) ordered = json_in_order(node);
        g_autofree char *text = json_to_string(ordered, FALSE);
        puts(text);
    } else if (!ctl->quiet) {
        g_autofree char *ending = run_info_ending(info);
        puts(ending);
    }
    fflush(stdout);
}

static void finish(Wait *wait, int status)
{
    wait->status = wait_worse(wait->status, status);
    wait->outstanding--;
    if (wait->any || wait->outstanding == 0)
        wait->done = TRUE;
}

/* Stopped and forgotten before it was asked for again, or replaced by a later run. */
static void finish_gone(WaitRun *run)
{
    ctl_note(run->wait->ctl, "%s/%s was stopped", run->info->story, run->info->agent);
    finish(run->wait, CTL_EXIT_RUN_STOPPED);
}

static int on_retry(sd_event_source *source, guint64 usec, void *userdata)
{
    ask(userdata);
    return 0;
}

static gboolean retry(WaitRun *run, const GError *error)
{
    gboolean was_there = run->lost_since == 0;
    if (!g_error_matches(error, CTL_ERROR, CTL_ERROR_LOST) &&
        (was_there || !g_error_matches(error, CTL_ERROR, CTL_ERROR_NO_SERVICE)))
        return FALSE;
    if (was_there)
        run->lost_since = g_get_monotonic_time();
    if (g_get_monotonic_time() - run->lost_since > PATIENCE_USEC)
        return FALSE;
    run->timer = sd_event_source_unref(run->timer);
    return sd_event_add_time_relative(run->wait->ctl->event, &run->timer, CLOCK_MONOTONIC,
                                      RETRY_USEC, 0, on_retry, run) >= 0;
}

static void fail(Wait *wait, GError *error)
{
    if (wait->error)
        g_error_free(error);
    else
        wait->error = error;
    wait->done = TRUE;
}

static void on_ended(sd_bus_message *reply, const GError *error, gpointer data)
{
    WaitRun *run = data;
    run->call = sd_bus_slot_unref(run->call);
    if (error && retry(run, error))
        return;
    if (g_error_matches(error, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN)) {
        finish_gone(run);
        return;
    }
    if (error) {
        fail(run->wait, g_error_copy(error));
        return;
    }
    g_autoptr(JsonNode) node = message_read_json(reply);
    g_autoptr(RunInfo) info = node ? run_info_new(node) : NULL;
    if (!info || !g_str_equal(info->run_id, run->info->run_id)) {
        finish_gone(run);
        return;
    }
    wait_print_ending(run->wait->ctl, info);
    finish(run->wait, run_info_exit_status(info));
}

static void ask(WaitRun *run)
{
    GError *error = NULL;
    if (!bus_call_async(run->wait->ctl->bus, "Wait", on_ended, run, &run->call, &error, "sss",
                        run->info->project, run->info->story, run->info->agent))
        fail(run->wait, error);
}

/* The runs of jobs that have ended by now are told, and taken out. */
static gboolean look_at_jobs(Wait *wait, GError **error)
{
    g_autoptr(GPtrArray) jobs = slurm_jobs(error);
    g_autoptr(GPtrArray) runs = jobs ? run_info_list(wait->ctl->bus, NULL, error) : NULL;
    if (!runs)
        return FALSE;
    for (guint i = wait->in_jobs->len; i > 0; i--) {
        g_autoptr(GError) unknown = NULL;
        g_autoptr(RunInfo) ended = slurm_ended(wait->in_jobs->pdata[i - 1], jobs, runs, &unknown);
        if (!ended && !unknown)
            continue;
        if (ended)
            wait_print_ending(wait->ctl, ended);
        else
            ctl_warn("%s", unknown->message);
        g_ptr_array_remove_index(wait->in_jobs, i - 1);
        finish(wait, ended ? run_info_exit_status(ended) : CTL_EXIT_RUN_FAILED);
    }
    return TRUE;
}

/* One that fails is repeated: a controller may be restarted. */
static int on_look(sd_event_source *source, guint64 usec, void *userdata)
{
    Wait *wait = userdata;
    g_autoptr(GError) problem = NULL;
    if (!look_at_jobs(wait, &problem))
        ctl_note(wait->ctl, "%s: trying again", problem->message);
    (void)sd_event_source_set_time_relative(source, SLURM_LOOK_USEC);
    (void)sd_event_source_set_enabled(source,
                                      wait->in_jobs->len > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
    return 0;
}

static void wait_for_job(Wait *wait, const RunInfo *info)
{
    g_ptr_array_add(wait->in_jobs, (RunInfo *)info);
    if (!wait->look)
        (void)sd_event_add_time_relative(wait->ctl->event, &wait->look, CLOCK_MONOTONIC, 0, 0,
                                         on_look, wait);
}

/* Waiting again waits for those that have not ended. */
GError *wait_timed_out(guint outstanding)
{
    return g_error_new(CTL_ERROR, CTL_ERROR_TIMEOUT, "%u run%s not ended in time", outstanding,
                       outstanding == 1 ? " has" : "s have");
}

static int on_timeout(sd_event_source *source, guint64 usec, void *userdata)
{
    Wait *wait = userdata;
    fail(wait, wait_timed_out(wait->outstanding));
    return 0;
}

int wait_for_runs(Ctl *ctl, GPtrArray *runs, gboolean any, guint64 timeout_usec, GError **error)
{
    g_autoptr(GPtrArray) in_jobs = g_ptr_array_new();
    Wait wait = {.ctl = ctl,
                 .any = any,
                 .outstanding = runs->len,
                 .done = runs->len == 0,
                 .in_jobs = in_jobs};
    g_autoptr(GPtrArray) waiting = g_ptr_array_new_with_free_func(wait_run_free);
    if (!ctl_attach_event(ctl, error))
        return -1;
    for (guint i = 0; i < runs->len; i++) {
        if (slurm_has(runs->pdata[i])) {
            wait_for_job(&wait, runs->pdata[i]);
            continue;
        }
        WaitRun *run = g_new(WaitRun, 1);
        *run = (WaitRun){.wait = &wait, .info = runs->pdata[i]};
        g_ptr_array_add(waiting, run);
        ask(run);
    }
    sd_event_source *timer = NULL;
    if (timeout_usec != WAIT_FOREVER)
        (void)sd_event_add_time_relative(ctl->event, &timer, CLOCK_MONOTONIC, timeout_usec, 0,
                                         on_timeout, &wait);
    gboolean ok = ctl_run_event(ctl, &wait.done, error);
    sd_event_source_disable_unref(timer);
    sd_event_source_disable_unref(wait.look);
    if (!ok) {
        g_clear_error(&wait.error);
        return -1;
    }
    if (!wait.error)
        return wait.status;
    g_propagate_error(error, wait.error);
    return -1;
}

static gboolean read_options(guint64 *ret_timeout, GError **error)
{
    *ret_timeout = WAIT_FOREVER;
    if (arg_any && arg_all) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "--any and --all cannot be used together");
        return FALSE;
    }
    if (!arg_timeout || parse_span(arg_timeout, ret_timeout))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "--timeout=%s is not a duration: write 90s, 15min or 1h 30min", arg_timeout);
    return FALSE;
}

static GPtrArray *select_with_jobs(Ctl *ctl, char **arguments, GError **error)
{
    if (!select_check_named(ctl, arguments, SELECT_ALL_AGENTS, error))
        return NULL;
    g_autoptr(GPtrArray) listed = run_info_list(ctl->bus, ctl->project, error);
    if (!listed)
        return NULL;
    slurm_add_rows(listed, ctl->project);
    return select_listed(ctl, listed, arguments, SELECT_ALL_AGENTS, error);
}

static int wait_verb_run(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    guint64 timeout;
    if (!read_options(&timeout, error))
        return -1;
    g_autoptr(GPtrArray) runs = select_with_jobs(ctl, arguments, error);
    return runs ? wait_for_runs(ctl, runs, arg_any, timeout, error) : -1;
}

static int run_on_hosts(Ctl *ctl, char **arguments, GError **error)
{
    guint64 timeout;
    return read_options(&timeout, error) ? wait_on_hosts(ctl, arguments, arg_any, timeout, error)
                                         : -1;
}

static const GOptionEntry options[] = {
    {"any", 0, 0, G_OPTION_ARG_NONE, &arg_any, "Return when one of them has ended", NULL},
    {"all", 0, 0, G_OPTION_ARG_NONE, &arg_all, "Return when all have ended (the default)", NULL},
    {"timeout", 't', 0, G_OPTION_ARG_FILENAME, &arg_timeout,
     "Give up after SPAN (90s, 15min), with exit status 124", "SPAN"},
    {NULL},
};

const Verb wait_verb = {
    .name = "wait",
    .synopsis = "RUN…",
    .summary = "Wait for runs to end; the exit status says how",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .options = options,
    .run = wait_verb_run,
    .run_on_hosts = run_on_hosts,
};
