/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <unistd.h>

#include "ctl/info.h"
#include "ctl/interrupt.h"
#include "ctl/progress.h"
#include "ctl/select.h"
#include "ctl/verb.h"

#define INPUT_MAX (4u * 1024 * 1024)
#define ENTER_KEY '\r'
#define MESSAGE_MAX (1u * 1024 * 1024) /* the service's own limit */

static gboolean arg_raw, arg_enter, arg_close;

static GString *read_standard_input(GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char chunk[4096];
    ssize_t n;
    while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0) {
        g_string_append_len(text, chunk, n);
        if (text->len > INPUT_MAX) {
            g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                                "the input is longer than 4 MiB: put it into a file in the "
                                "worktree and send the file's name");
            return NULL;
        }
    }
    if (n < 0) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot read standard input: %s",
                    g_strerror(errno));
        return NULL;
    }
    return g_steal_pointer(&text);
}

/* The words after the run, or standard input where there are none. */
static GString *message_text(char **words, GError **error)
{
    if ((!words[0] && !arg_enter) || (g_strcmp0(words[0], "-") == 0 && !words[1]))
        return read_standard_input(error);
    g_autofree char *joined = g_strjoinv(" ", words);
    return g_string_new(joined);
}

static sd_bus_message *raw_call(Ctl *ctl, const RunInfo *info, const GString *text, GError **error)
{
    g_autoptr(sd_bus_message) message = bus_message_new(ctl->bus, "SendInput", error);
    if (!message)
        return NULL;
    int r = sd_bus_message_append(message, "sss", info->project, info->story, info->agent);
    if (r >= 0)
        r = sd_bus_message_append_array(message, 'y', text->str, text->len);
    if (r >= 0)
        return g_steal_pointer(&message);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot send the input: %s", g_strerror(-r));
    return NULL;
}

static gboolean check_message(const GString *text, GError **error)
{
    if (text->len > MESSAGE_MAX) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "the message is longer than 1 MiB: put it into a file in the worktree "
                            "and send the file's name");
        return FALSE;
    }
    if (g_utf8_validate_len(text->str, text->len, NULL))
        return TRUE;
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                        "the message is not valid UTF-8: `--raw` sends bytes as they are");
    return FALSE;
}

/* @text NULL: the end of the input. */
static sd_bus_message *call_for(Ctl *ctl, const RunInfo *info, const GString *text, GError **error)
{
    if (text && arg_raw)
        return raw_call(ctl, info, text, error);
    g_autoptr(sd_bus_message) message =
        bus_message_new(ctl->bus, text ? "SendMessage" : "CloseInput", error);
    if (!message)
        return NULL;
    int r = sd_bus_message_append(message, "sss", info->project, info->story, info->agent);
    if (r >= 0 && text)
        r = sd_bus_message_append(message, "s", text->str);
    if (r >= 0)
        return g_steal_pointer(&message);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot send the message: %s", g_strerror(-r));
    return NULL;
}

typedef struct {
    gboolean done;
    GError *error;
} Call;

static void on_taken(sd_bus_message *reply, const GError *error, gpointer data)
{
    Call *call = data;
    call->error = error ? g_error_copy(error) : NULL;
    call->done = TRUE;
}

static char *advice_for(const RunInfo *info, const GString *text)
{
    if (!text)
        return g_strdup_printf("The input of %s/%s still closes once it has read what came before.",
                               info->story, info->agent);
    return g_strdup_printf("%s/%s still gets it when it next reads: do not send it again.%s",
                           info->story, info->agent, arg_close ? " Its input stays open." : "");
}

/* The service replies when the run has accepted it: a busy agent delays that. */
static gboolean send_one(Ctl *ctl, const RunInfo *info, const GString *text, GError **error)
{
    g_autoptr(sd_bus_message) message = call_for(ctl, info, text, error);
    g_autofree char *waiting =
        g_strdup_printf("waiting for %s/%s to read", info->story, info->agent);
    g_autofree char *advice = advice_for(info, text);
    sd_bus_slot *slot = NULL;
    Call call = {0};
    if (!message || !ctl_attach_event(ctl, error) ||
        !bus_send_async(ctl->bus, message, on_taken, &call, &slot, error))
        return FALSE;
    g_autoptr(Progress) progress = progress_new(ctl, waiting);
    g_autoptr(Interrupt) interrupt = interrupt_new(ctl, advice);
    gboolean ok = ctl_run_event(ctl, &call.done, error);
    sd_bus_slot_unref(slot);
    if (!call.error)
        return ok;
    g_propagate_error(error, call.error);
    return FALSE;
}

/* The arguments have been checked: if the service still finds them invalid, it is the agent's state
 * (it takes no messages, or no more, or has not read the last ones). */
static gboolean send_checked(Ctl *ctl, const RunInfo *info, const GString *text, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if ((!text || send_one(ctl, info, text, &problem)) &&
        (!arg_close || send_one(ctl, info, NULL, &problem)))
        return TRUE;
    if (g_error_matches(problem, CTL_ERROR, CTL_ERROR_USAGE))
        problem->code = CTL_ERROR_REFUSED;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* As it is now; one that ended meanwhile, and is off the list, as it was. */
static void print_run(Ctl *ctl, const RunInfo *info)
{
    g_autoptr(RunInfo) now = run_info_get(ctl->bus, info->project, info->story, info->agent, NULL);
    g_autoptr(JsonNode) node = run_info_to_json(now ?: info);
    ctl_print_json(node);
}

static int send_input(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(RunInfo) info = select_run(ctl, arguments[0], error);
    g_autoptr(GString) text = NULL;
    if (!info)
        return -1;
    arg_raw |= arg_enter;
    if (arguments[1] || !arg_close || arg_enter) {
        text = message_text(arguments + 1, error);
        if (!text || (!arg_raw && !check_message(text, error)))
            return -1;
        if (arg_enter)
            g_string_append_c(text, ENTER_KEY);
    }
    if (!send_checked(ctl, info, text, error))
        return -1;
    if (ctl->json)
        print_run(ctl, info);
    return 0;
}

static const GOptionEntry options[] = {
    {"raw", 'r', 0, G_OPTION_ARG_NONE, &arg_raw, "Type the bytes into the agent's terminal", NULL},
    {"enter", 'e', 0, G_OPTION_ARG_NONE, &arg_enter,
     "Type TEXT, if any, and Enter into the agent's terminal", NULL},
    {"close", 0, 0, G_OPTION_ARG_NONE, &arg_close, "Close the agent's input (after the message)",
     NULL},
    {NULL},
};

const Verb send_verb = {
    .name = "send",
    .synopsis = "RUN [TEXT…]",
    .summary = "Send a message to an interactive agent",
    .arguments = ARGUMENT_RUN,
    .least = 1,
    .most = G_MAXUINT,
    .options = options,
    .in_job = TRUE,
    .run = send_input,
};
