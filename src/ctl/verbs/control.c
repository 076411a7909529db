/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/info.h"
#include "ctl/message-json.h"
#include "ctl/select.h"
#include "ctl/slurm/cancel.h"
#include "ctl/slurm/rows.h"
#include "ctl/verb.h"

/*
 * Stop, freeze, thaw: the same request to each of several runs, all at once.
 */

typedef struct {
    const char *method;
    const char *done_word;
    /* What replies with the info of the run as the request left it. Stop takes a run off the list:
     * its last info is what those get who wait for its end. */
    const char *asks_before, *asks_after;
    gboolean (*takes)(const RunInfo *info); /* of all runs, with --all */
    gboolean jobs;                          /* of Slurm, too */
} Request;

static gboolean arg_all;

typedef struct {
    Ctl *ctl;
    const Request *request;
    guint outstanding;
    gboolean done;
    GError *error; /* the first one */
} Control;

typedef struct {
    Control *control;
    RunInfo *run;  /* as it was listed */
    RunInfo *left; /* for --json: as the request left it */
    sd_bus_slot *ask, *call;
} ControlCall;

static void control_call_free(gpointer data)
{
    ControlCall *call = data;
    sd_bus_slot_unref(call->ask);
    sd_bus_slot_unref(call->call);
    g_clear_pointer(&call->left, run_info_free);
    g_free(call);
}

static void finish(Control *control)
{
    control->done = --control->outstanding == 0;
}

static void on_info(sd_bus_message *reply, const GError *error, gpointer data)
{
    ControlCall *call = data;
    g_autoptr(JsonNode) node = reply ? message_read_json(reply) : NULL;
    call->ask = sd_bus_slot_unref(call->ask);
    call->left = node ? run_info_new(node) : NULL;
    finish(call->control);
}

/* Nothing depends on it: if it fails, the run is left out of the output. */
static void ask_for_info(ControlCall *call, const char *method)
{
    Control *control = call->control;
    const RunInfo *run = call->run;
    if (control->ctl->json && method &&
        bus_call_async(control->ctl->bus, method, on_info, call, &call->ask, NULL, "sss",
                       run->project, run->story, run->agent))
        control->outstanding++;
}

static void take_failure(ControlCall *call, const GError *error)
{
    Control *control = call->control;
    if (call->ask) { /* it would wait for an end that does not come */
        call->ask = sd_bus_slot_unref(call->ask);
        finish(control);
    }
    if (!control->error)
        control->error = g_error_copy(error);
    else if (!g_str_equal(error->message, control->error->message)) /* the service's name the run */
        ctl_warn("%s", error->message);
}

static void on_done(sd_bus_message *reply, const GError *error, gpointer data)
{
    ControlCall *call = data;
    Control *control = call->control;
    call->call = sd_bus_slot_unref(call->call);
    if (error) {
        take_failure(call, error);
    } else {
        if (!control->ctl->json)
            ctl_note(control->ctl, "%s/%s %s", call->run->story, call->run->agent,
                     control->request->done_word);
        ask_for_info(call, control->request->asks_after);
    }
    finish(control);
}

/* Returns the calls, under way. */
static GPtrArray *call_each(Control *control, GPtrArray *runs, GError **error)
{
    g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func(control_call_free);
    for (guint i = 0; i < runs->len; i++) {
        RunInfo *run = runs->pdata[i];
        ControlCall *call = g_new(ControlCall, 1);
        *call = (ControlCall){.control = control, .run = run};
        g_ptr_array_add(calls, call);
        ask_for_info(call, control->request->asks_before);
        if (!bus_call_async(control->ctl->bus, control->request->method, on_done, call, &call->call,
                            error, "sss", run->project, run->story, run->agent))
            return NULL;
        control->outstanding++;
    }
    return g_steal_pointer(&calls);
}

static void take_left(GPtrArray *calls, GPtrArray *left)
{
    for (guint i = 0; i < calls->len; i++) {
        ControlCall *call = calls->pdata[i];
        if (call->left)
            g_ptr_array_add(left, g_steal_pointer(&call->left));
    }
}

static GPtrArray *list_runs(Ctl *ctl, const Request *request, GError **error)
{
    GPtrArray *listed = run_info_list(ctl->bus, ctl->project, error);
    if (listed && request->jobs)
        slurm_add_rows(listed, ctl->project);
    return listed;
}

static GPtrArray *every_run(Ctl *ctl, const Request *request, GError **error)
{
    g_autoptr(GPtrArray) listed = list_runs(ctl, request, error);
    for (guint i = listed ? listed->len : 0; i > 0; i--) {
        const RunInfo *info = listed->pdata[i - 1];
        if (!request->takes(info) || run_info_is_elsewhere(info) ||
            (ctl->agent && !g_str_equal(info->agent, ctl->agent)))
            g_ptr_array_remove_index(listed, i - 1);
    }
    return g_steal_pointer(&listed);
}

/* The named runs. @unknown is set for names without a run: the others are returned. */
static GPtrArray *choose_runs(Ctl *ctl, char **arguments, const Request *request, GError **unknown,
                              GError **error)
{
    if (arg_all && arguments[0]) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "--all means every run: name no RUN with it");
        return NULL;
    }
    if (arg_all)
        return every_run(ctl, request, error);
    if (!select_check_named(ctl, arguments, SELECT_ONE, error))
        return NULL;
    g_autoptr(GPtrArray) listed = list_runs(ctl, request, error);
    if (listed && !arguments[0])
        return select_listed(ctl, listed, arguments, SELECT_ONE, error);
    return listed ? select_each(ctl, listed, arguments, unknown) : NULL;
}

/* Calls the method for each of @runs; FALSE where one call failed. @left gets what to print. */
static gboolean control_each(Ctl *ctl, GPtrArray *runs, const Request *request, GPtrArray *left,
                             GError **error)
{
    Control control = {.ctl = ctl, .request = request, .done = runs->len == 0};
    if (!ctl_attach_event(ctl, error))
        return FALSE;
    g_autoptr(GPtrArray) calls = call_each(&control, runs, error);
    if (!calls)
        return FALSE;
    if (!ctl_run_event(ctl, &control.done, error)) {
        g_clear_error(&control.error);
        return FALSE;
    }
    take_left(calls, left);
    if (control.error)
        g_propagate_error(error, control.error);
    return !control.error;
}

/* Takes those that Slurm has out of @runs. Caller: g_ptr_array_unref(). */
static GPtrArray *take_jobs(GPtrArray *runs)
{
    GPtrArray *jobs = g_ptr_array_new_with_free_func((GDestroyNotify)run_info_free);
    for (guint i = runs->len; i > 0; i--)
        if (slurm_has(runs->pdata[i - 1]))
            g_ptr_array_insert(jobs, 0, g_ptr_array_steal_index(runs, i - 1));
    return jobs;
}

/* Both, those in jobs last: they may take a while. */
static gboolean control_all(Ctl *ctl, GPtrArray *runs, const Request *request, GError **error)
{
    g_autoptr(GPtrArray) jobs = request->jobs ? take_jobs(runs) : g_ptr_array_new();
    g_autoptr(GPtrArray) left = g_ptr_array_new_with_free_func((GDestroyNotify)run_info_free);
    gboolean ok = control_each(ctl, runs, request, left, error) &&
                  (jobs->len == 0 || slurm_cancel(ctl, jobs, error));
    if (!ctl->json)
        return ok;
    if (ok)
        g_ptr_array_extend_and_steal(left, g_steal_pointer(&jobs));
    g_autoptr(JsonNode) node = run_info_list_to_json(left);
    ctl_print_json(node);
    return ok;
}

static int control_runs(Ctl *ctl, char **arguments, const Request *request, GError **error)
{
    g_autoptr(GError) unknown = NULL;
    g_autoptr(GPtrArray) runs = choose_runs(ctl, arguments, request, &unknown, error);
    gboolean ok = runs && control_all(ctl, runs, request, error);
    if (ok && unknown)
        g_propagate_error(error, g_steal_pointer(&unknown));
    else if (unknown)
        ctl_warn("%s", unknown->message);
    return ok && !*error ? 0 : -1;
}

static gboolean can_freeze(const RunInfo *info)
{
    return run_info_is_running(info) && !run_info_flag(info, "frozen");
}

static gboolean is_frozen(const RunInfo *info)
{
    return run_info_flag(info, "frozen");
}

static int stop(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    static const Request request = {"Stop", "stopped", .asks_before = "Wait",
                                    .takes = run_info_is_live, .jobs = TRUE};
    return control_runs(ctl, arguments, &request, error);
}

static int freeze(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    static const Request request = {"Freeze", "frozen", .asks_after = "Get", .takes = can_freeze};
    return control_runs(ctl, arguments, &request, error);
}

static int thaw(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    static const Request request = {"Thaw", "running again", .asks_after = "Get",
                                    .takes = is_frozen};
    return control_runs(ctl, arguments, &request, error);
}

static const GOptionEntry options[] = {
    {"all", 0, 0, G_OPTION_ARG_NONE, &arg_all, "Every run of this project (outside one: of all)",
     NULL},
    {NULL},
};

const Verb stop_verb = {
    .name = "stop",
    .synopsis = "RUN…|--all",
    .summary = "Stop runs and keep their worktrees",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .options = options,
    .run = stop,
};

const Verb freeze_verb = {
    .name = "freeze",
    .synopsis = "RUN…|--all",
    .summary = "Pause every process of runs",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .options = options,
    .in_job = TRUE,
    .run = freeze,
};

const Verb thaw_verb = {
    .name = "thaw",
    .synopsis = "RUN…|--all",
    .summary = "Let frozen runs continue",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .options = options,
    .in_job = TRUE,
    .run = thaw,
};
