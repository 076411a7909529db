/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/info.h"
#include "ctl/message-json.h"
#include "ctl/select.h"
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
} Request;

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

/* Nothing depends on it: where it fails, the run is left out of what is printed. */
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

static void print_left(GPtrArray *calls)
{
    g_autoptr(GPtrArray) infos = g_ptr_array_new();

    for (guint i = 0; i < calls->len; i++) {
        const ControlCall *call = calls->pdata[i];
        if (call->left)
            g_ptr_array_add(infos, call->left);
    }
    g_autoptr(JsonNode) node = run_info_list_to_json(infos);
    ctl_print_json(node);
}

static int control_runs(Ctl *ctl, char **arguments, const Request *request, GError **error)
{
    Control control = {.ctl = ctl, .request = request};
    g_autoptr(GPtrArray) runs = select_runs(ctl, arguments, SELECT_ONE, error);

    if (!runs || !ctl_attach_event(ctl, error))
        return -1;
    g_autoptr(GPtrArray) calls = call_each(&control, runs, error);
    if (!calls)
        return -1;
    if (!ctl_run_event(ctl, &control.done, error)) {
        g_clear_error(&control.error);
        return -1;
    }
    if (ctl->json)
        print_left(calls);
    if (!control.error)
        return 0;
    g_propagate_error(error, control.error);
    return -1;
}

static int stop(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    static const Request request = {"Stop", "stopped", .asks_before = "Wait"};
    return control_runs(ctl, arguments, &request, error);
}

static int freeze(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    static const Request request = {"Freeze", "frozen", .asks_after = "Get"};
    return control_runs(ctl, arguments, &request, error);
}

static int thaw(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    static const Request request = {"Thaw", "running again", .asks_after = "Get"};
    return control_runs(ctl, arguments, &request, error);
}

const Verb stop_verb = {
    .name = "stop",
    .synopsis = "RUN…",
    .summary = "Stop runs and keep their worktrees",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .run = stop,
};

const Verb freeze_verb = {
    .name = "freeze",
    .synopsis = "RUN…",
    .summary = "Pause every process of runs",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .run = freeze,
};

const Verb thaw_verb = {
    .name = "thaw",
    .synopsis = "RUN…",
    .summary = "Let frozen runs continue",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .run = thaw,
};
