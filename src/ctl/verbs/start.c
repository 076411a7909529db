/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/events.h"
#include "ctl/follow.h"
#include "ctl/info.h"
#include "ctl/interrupt.h"
#include "ctl/json-path.h"
#include "ctl/linger.h"
#include "ctl/message-json.h"
#include "ctl/progress.h"
#include "ctl/select.h"
#include "ctl/state-place.h"
#include "ctl/verb.h"
#include "ctl/verbs/start.h"
#include "ctl/verbs/submit.h"
#include "ctl/verbs/wait.h"
#include "ctl/verbs/watch.h"

/*
 * start and resume: the same call, for a new conversation or an earlier one.
 */

#define FIRST_LOOK_USEC (200 * G_TIME_SPAN_MILLISECOND)
#define LOOK_USEC (G_TIME_SPAN_SECOND)

typedef struct {
    Ctl *ctl;
    const StartTarget *target;
    Progress *progress;
    Interrupt *interrupt; /* while it is pending */
    RunInfo *info;
    Follow *follow;         /* of a run that was not yet running when the service replied */
    sd_event_source *timer; /* looks how it comes along */
    sd_bus_slot *reply, *look;
    gboolean done;
    GError *error;
} Start;

static void start_end(Start *start, GError *error)
{
    if (start->error)
        g_clear_error(&error);
    else
        start->error = error;
    start->done = TRUE;
}

/* The events of a pending run up to the one that decides; any after it in the batch belong to a run
 * that did start. */
static void on_event(Follow *follow, const char *line, gsize length, gpointer data)
{
    Start *start = data;
    if (start->done)
        return;
    g_autoptr(JsonObject) event = json_parse_object(line, length);
    const char *type = event ? json_get_string(event, "type") : NULL;
    const char *status = event ? json_get_string(event, "status") : NULL;

    if (g_strcmp0(type, "error") == 0)
        start_end(start, g_error_new(CTL_ERROR, CTL_ERROR_FAILED, "%s/%s did not start: %s",
                                     start->info->story, start->info->agent,
                                     json_get_string(event, "message") ?: "no reason given"));
    else if (g_strcmp0(status, "stopped") == 0)
        start_end(start,
                  g_error_new(CTL_ERROR, CTL_ERROR_STOPPED, "%s/%s was stopped before it started",
                              start->info->story, start->info->agent));
    else if (g_strcmp0(status, "running") == 0)
        start->done = TRUE;
}

static void on_follow_end(Follow *follow, const GError *error, gpointer data)
{
    start_end(data, error ? g_error_copy(error) : NULL);
}

static gboolean waits_for_limit(const RunInfo *info)
{
    return g_strcmp0(run_info_string(info, "waiting"), "limit") == 0;
}

static gboolean is_queued(const RunInfo *info)
{
    return run_info_uint(info, "queue_position", 0) > 0 || waits_for_limit(info);
}

/* Ctrl-C ends the waiting, not the run. */
static void show_advice(Start *start, const RunInfo *info)
{
    if (start_arguments.foreground)
        return;
    g_autofree char *advice = g_strdup_printf(
        "%s/%s still %s; `storkitctl stop %s/%s` stops it.", info->story, info->agent,
        is_queued(info) ? "waits in the queue and starts" : "starts", info->story, info->agent);

    if (start->interrupt)
        interrupt_set(start->interrupt, advice);
    else
        start->interrupt = interrupt_new(start->ctl, advice);
}

static void show_pending(Start *start, const RunInfo *info)
{
    guint64 position = run_info_uint(info, "queue_position", 0);
    g_autofree char *note = run_info_note(info);
    g_autofree char *text =
        waits_for_limit(info) ? g_strdup_printf("%s/%s %s", info->story, info->agent, note)
        : position > 0        ? g_strdup_printf("%s waits in the queue, number %" G_GUINT64_FORMAT,
                                                info->story, position)
                              : g_strdup_printf("preparing the worktree of %s", info->story);
    progress_set(start->progress, text);
    show_advice(start, info);
}

static void on_look(sd_bus_message *reply, const GError *error, gpointer data)
{
    Start *start = data;
    start->look = sd_bus_slot_unref(start->look);
    g_autoptr(JsonNode) node = reply ? message_read_json(reply) : NULL;
    g_autoptr(RunInfo) info = node ? run_info_new(node) : NULL;
    if (!info || !run_info_is_pending(info))
        return;
    show_pending(start, info);
    if (start->info || !start_arguments.no_block)
        return;
    start->info = g_steal_pointer(&info);
    start->done = TRUE;
}

/* The service replies when the agent runs, or after ten seconds. Until then, failing to learn its
 * state does not matter: there may be no run yet. */
static int on_timer(sd_event_source *source, guint64 usec, void *userdata)
{
    Start *start = userdata;
    const StartTarget *target = start->target;
    if (!start->look)
        (void)bus_call_async(start->ctl->bus, "Get", on_look, start, &start->look, NULL, "sss",
                             target->project, target->story, target->agent);
    (void)sd_event_source_set_time_relative(source, LOOK_USEC);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

static void follow_pending(Start *start)
{
    static const FollowHandler handler = {.event = on_event, .end = on_follow_end};
    show_pending(start, start->info);
    start->follow = follow_new(start->ctl, start->info->run_id, 0, &handler, start);
}

/* The service names the call's options; here they have other names. */
static GError *in_words_of_options(const GError *error)
{
    g_autoptr(GString) message = g_string_new(error->message);
    g_string_replace(message, "base_branch", "--base", 0);
    g_string_replace(message, "resume 'last'", "--resume=last", 0);
    g_string_replace(message, "`resume`", "--resume", 0);
    return g_error_new_literal(error->domain, error->code, message->str);
}

static void on_started(sd_bus_message *reply, const GError *error, gpointer data)
{
    Start *start = data;
    if (error) {
        start_end(start, in_words_of_options(error));
        return;
    }
    start->reply = sd_bus_slot_unref(start->reply);
    g_autoptr(JsonNode) node = message_read_json(reply);
    start->info = node ? run_info_new(node) : NULL;
    if (!start->info)
        start_end(
            start,
            g_error_new_literal(
                CTL_ERROR, CTL_ERROR_FAILED,
                "cannot read the reply of the storkit service: install it and storkitctl from "
                "the same version"));
    else if (run_info_is_pending(start->info) && !start_arguments.no_block)
        follow_pending(start);
    else
        start->done = TRUE;
}

static void start_clear(Start *start)
{
    g_clear_pointer(&start->interrupt, interrupt_free);
    g_clear_pointer(&start->progress, progress_free);
    g_clear_pointer(&start->follow, follow_free);
    sd_event_source_disable_unref(start->timer);
    sd_bus_slot_unref(start->look);
    sd_bus_slot_unref(start->reply);
}

RunInfo *start_run(Ctl *ctl, const StartTarget *target, GError **error)
{
    g_autofree char *text = g_strdup_printf("starting %s", target->story);
    g_autoptr(sd_bus_message) message = start_message(ctl, target, error);
    Start start = {.ctl = ctl, .target = target};
    if (!message || !ctl_attach_event(ctl, error) ||
        !bus_send_async(ctl->bus, message, on_started, &start, &start.reply, error))
        return NULL;
    start.progress = progress_new(ctl, text);
    (void)sd_event_add_time_relative(ctl->event, &start.timer, CLOCK_MONOTONIC, FIRST_LOOK_USEC, 0,
                                     on_timer, &start);
    gboolean ok = ctl_run_event(ctl, &start.done, error);
    gboolean was_pending = start.follow != NULL;
    start_clear(&start);
    if (ok && !start.error && was_pending) {
        const RunInfo *info = start.info;
        RunInfo *now = run_info_get(ctl->bus, info->project, info->story, info->agent, NULL);
        if (now) {
            run_info_free(start.info);
            start.info = now;
        }
    }
    if (ok && !start.error)
        return start.info;
    if (ok)
        g_propagate_error(error, g_steal_pointer(&start.error));
    g_clear_error(&start.error);
    g_clear_pointer(&start.info, run_info_free);
    return NULL;
}

/* A key that the service does not know: a misspelt limit does not apply. */
static void tell_warnings(Ctl *ctl, const RunInfo *info)
{
    g_autoptr(JsonNode) config = bus_call_json(ctl->bus, "GetConfig", NULL, "s", info->project);
    JsonArray *warnings = config && JSON_NODE_HOLDS_OBJECT(config)
                              ? json_get_array(json_node_get_object(config), "warnings")
                              : NULL;
    for (guint i = 0; i < json_array_length(warnings); i++)
        ctl_note(ctl, "warning: %s", json_array_get_string_element(warnings, i));
    state_place_warn(ctl, config, TRUE);
}

/* Less than was asked for is never silent. */
static void tell_sandbox(Ctl *ctl, const RunInfo *info)
{
    g_autofree char *missing = run_info_list_text(info, "sandbox_missing");
    if (*missing)
        ctl_note(ctl, "warning: this machine does not enforce all of its sandbox: %s", missing);
}

/* Not visible from here: a desktop's variables come with the session, and other programs look for
 * the service on its bus. */
static void tell_of_login(Ctl *ctl)
{
    const char *address = NULL;
    if (!terminal_is_stderr() || ctl->quiet)
        return;
    if (ctl->elsewhere && sd_bus_get_address(ctl->bus, &address) >= 0)
        ctl_note(ctl,
                 "The service is not on this session's bus: agents get your login's environment, "
                 "and other programs reach it with DBUS_SESSION_BUS_ADDRESS=%s.",
                 address);
    if (linger_is_to_be_told())
        ctl_note(ctl, "Agents end when you log out; `loginctl enable-linger` keeps them.");
}

static void tell_started(Ctl *ctl, const RunInfo *info)
{
    const char *path = run_info_string(info, "worktree_path");
    if (ctl->json && !start_arguments.wait && !start_arguments.follow) {
        g_autoptr(JsonNode) node = run_info_to_json(info);
        ctl_print_json(node);
    } else if (!ctl->json) {
        tell_warnings(ctl, info);
        ctl_note(ctl, "%s/%s is %s%s%s", info->story, info->agent, info->status, path ? " in " : "",
                 path ?: "");
        tell_sandbox(ctl, info);
        tell_of_login(ctl);
    }
}

static int stay(Ctl *ctl, RunInfo *info, GError **error)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new();
    g_ptr_array_add(runs, info);
    if (start_arguments.follow && !watch_runs(ctl, runs, error))
        return -1;
    ctl->quiet |= start_arguments.follow; /* its last event reported the end */
    return start_arguments.wait || start_arguments.follow
               ? wait_for_runs(ctl, runs, FALSE, WAIT_FOREVER, error)
               : 0;
}

static int start_target(Ctl *ctl, const StartTarget *target, GError **error)
{
    g_autoptr(RunInfo) info = start_run(ctl, target, error);
    if (!info)
        return -1;
    tell_started(ctl, info);
    return stay(ctl, info, error);
}

static int start(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_auto(StartRequest) request = {0};
    if (start_arguments.on)
        return submit_on(ctl, start_arguments.on, arguments[0], error);
    if (!ctl_open(ctl, error) || !start_request_read(ctl, arguments[0], &request, error))
        return -1;
    return start_target(ctl, &request.target, error);
}

static gboolean check_resumable(const RunInfo *info, GError **error)
{
    if (run_info_is_pending(info) && waits_for_limit(info))
        return TRUE;
    if (run_info_is_live(info)) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_REFUSED,
                    "%s/%s is still %s: send it a message (`storkitctl send %s`), or stop it first",
                    info->story, info->agent, info->status, info->story);
        return FALSE;
    }
    if (run_info_string(info, "session_id"))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_REFUSED,
                "%s/%s has no session to resume: `storkitctl start %s` begins a new one",
                info->story, info->agent, info->story);
    return FALSE;
}

static int resume_listed(Ctl *ctl, const RunInfo *info, const char *prompt, GError **error)
{
    const StartTarget target = {
        .project = info->project,
        .story = info->story,
        .agent = info->agent,
        .resume = run_info_string(info, "session_id") ?: "last",
        .prompt = prompt,
    };
    return check_resumable(info, error) ? start_target(ctl, &target, error) : -1;
}

/* A run that was stopped is off the list; the service still knows its session. */
static int resume_unlisted(Ctl *ctl, const char *named, const char *prompt, GError **error)
{
    g_autofree char *story = NULL, *agent = NULL;
    g_autoptr(GError) refusal = NULL;
    const char *project = ctl_require_project(ctl, error);
    if (!project)
        return -1;
    select_split(ctl, named, &story, &agent);
    const StartTarget target = {
        .project = project,
        .story = story,
        .agent = agent ?: "",
        .resume = "last",
        .prompt = prompt,
    };
    int status = start_target(ctl, &target, &refusal);
    if (g_error_matches(refusal, CTL_ERROR, CTL_ERROR_USAGE))
        g_set_error(error, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN,
                    "story '%s' has no run to resume, and no earlier session: `storkitctl start "
                    "%s` begins one, `storkitctl list` shows the runs",
                    story, story);
    else if (refusal)
        g_propagate_error(error, g_steal_pointer(&refusal));
    return status;
}

static int resume(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autofree char *prompt = NULL;
    if (!start_prompt(&prompt, error))
        return -1;
    if (!prompt && arguments[0] && arguments[1])
        prompt = g_strjoinv(" ", arguments + 1);
    g_autoptr(GError) problem = NULL;
    g_autoptr(RunInfo) info = select_run(ctl, arguments[0], &problem);
    if (info)
        return resume_listed(ctl, info, prompt, error);
    const char *named = arguments[0] ?: ctl->story;
    if (g_error_matches(problem, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN) && named)
        return resume_unlisted(ctl, named, prompt, error);
    g_propagate_error(error, g_steal_pointer(&problem));
    return -1;
}

const Verb start_verb = {
    .name = "start",
    .synopsis = "STORY[/AGENT]",
    .summary = "Start an agent on a story, in its own worktree",
    .arguments = ARGUMENT_NEW_RUN,
    .most = 1,
    .options = start_options,
    .offline = TRUE,
    .run = start,
};

const Verb resume_verb = {
    .name = "resume",
    .synopsis = "RUN [PROMPT…]",
    .summary = "Continue the conversation of an ended run",
    .arguments = ARGUMENT_RUN,
    .most = G_MAXUINT,
    .options = start_options + START_ONLY_OPTIONS,
    .run = resume,
};
