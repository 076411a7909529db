/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/detach-key.h"
#include "ctl/followed.h"
#include "ctl/info.h"
#include "ctl/json-path.h"
#include "ctl/message-json.h"
#include "ctl/screen-modes.h"
#include "ctl/select.h"
#include "ctl/terminal-signals.h"
#include "ctl/terminal.h"
#include "ctl/verb.h"

/*
 * The agent's terminal as ours: bytes in both directions over one socket.
 */

#define CHUNK 4096
#define TYPED_MAX ((gsize)1024 * 1024)
#define BELL "\a"
#define SEQUENCE_USEC (50 * G_TIME_SPAN_MILLISECOND)
#define RETRY_USEC (200 * G_TIME_SPAN_MILLISECOND)
#define PATIENCE_USEC (30 * G_TIME_SPAN_SECOND)

typedef struct {
    Ctl *ctl;
    RunInfo *info;
    int fd;
    sd_event_source *socket, *keyboard, *timer, *key_timer;
    TerminalSignals signals;
    sd_bus_slot *call;   /* on the way to be attached again */
    GByteArray *pending; /* typed, and not yet accepted by the socket */
    gint64 lost_since;   /* monotonic; 0: attached */
    ScreenModes modes;
    DetachKey key;
    gboolean detached, replaced, done;
    GError *error;
} Attach;

static void send_size(Attach *attach)
{
    const RunInfo *info = attach->info;
    int rows, columns;
    terminal_size(&rows, &columns);
    (void)bus_call_async(attach->ctl->bus, "Resize", NULL, NULL, NULL, NULL, "sssqq", info->project,
                         info->story, info->agent, rows, columns);
}

static void close_socket(Attach *attach)
{
    attach->socket = sd_event_source_disable_unref(attach->socket);
    if (attach->fd >= 0)
        close(attach->fd);
    attach->fd = -1;
}

static void finish(Attach *attach, GError *error)
{
    attach->error = error;
    attach->done = TRUE;
}

static void flush_typed(Attach *attach)
{
    GByteArray *pending = attach->pending;
    while (attach->fd >= 0 && pending->len > 0) {
        ssize_t n = send(attach->fd, pending->data, pending->len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break; /* full, or closed: the reading side sees that */
        g_byte_array_remove_range(pending, 0, (guint)n);
    }
    if (attach->socket)
        (void)sd_event_source_set_io_events(attach->socket,
                                            EPOLLIN | (pending->len > 0 ? EPOLLOUT : 0));
}

/* The keyboard is always read, or the detach key would not be seen. Input that the agent does not
 * read, or while its service is away, is kept up to a limit; beyond that the terminal rings.
 * Returns TRUE at the detach key. */
static gboolean keep_typed(Attach *attach, const char *keys, gsize n)
{
    g_autoptr(GByteArray) typed = g_byte_array_new();
    gboolean detach = detach_key_feed(&attach->key, keys, n, typed);
    if (attach->pending->len + typed->len <= TYPED_MAX)
        g_byte_array_append(attach->pending, typed->data, typed->len);
    else
        (void)terminal_write(BELL, strlen(BELL));
    return detach;
}

/* It was not the beginning of a sequence, but the Escape key. */
static int on_key_timer(sd_event_source *source, guint64 usec, void *userdata)
{
    Attach *attach = userdata;
    detach_key_release(&attach->key, attach->pending);
    flush_typed(attach);
    return 0;
}

static void release_key_later(Attach *attach)
{
    attach->key_timer = sd_event_source_disable_unref(attach->key_timer);
    if (attach->key.n_held > 0)
        (void)sd_event_add_time_relative(attach->ctl->event, &attach->key_timer, CLOCK_MONOTONIC,
                                         SEQUENCE_USEC, 1, on_key_timer, attach);
}

static int on_key(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    Attach *attach = userdata;
    char keys[CHUNK];
    ssize_t n = read(fd, keys, sizeof(keys));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    gboolean detach = n > 0 && keep_typed(attach, keys, (gsize)n);
    release_key_later(attach);
    flush_typed(attach);
    if (detach || n <= 0) {
        attach->detached = TRUE;
        finish(attach, NULL);
    }
    return 0;
}

static int on_socket(sd_event_source *source, int fd, guint32 events, void *userdata);

static void use_socket(Attach *attach, int fd)
{
    attach->fd = fd;
    (void)sd_event_add_io(attach->ctl->event, &attach->socket, fd, EPOLLIN, on_socket, attach);
    send_size(attach);
    flush_typed(attach);
}

static int on_retry(sd_event_source *source, guint64 usec, void *userdata);

static void retry_later(Attach *attach)
{
    attach->timer = sd_event_source_unref(attach->timer);
    (void)sd_event_add_time_relative(attach->ctl->event, &attach->timer, CLOCK_MONOTONIC,
                                     RETRY_USEC, 0, on_retry, attach);
}

/* Between the end of a run's terminal and its end the service refuses to attach: worth another
 * look, like a service that is away. */
static gboolean may_come_back(Attach *attach, const GError *error)
{
    if (g_get_monotonic_time() - attach->lost_since > PATIENCE_USEC)
        return FALSE;
    return g_error_matches(error, CTL_ERROR, CTL_ERROR_LOST) ||
           g_error_matches(error, CTL_ERROR, CTL_ERROR_REFUSED) ||
           g_error_matches(error, CTL_ERROR, CTL_ERROR_NO_SERVICE);
}

static void on_refused(Attach *attach, const GError *error)
{
    if (may_come_back(attach, error))
        retry_later(attach);
    else if (g_error_matches(error, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN))
        finish(attach, NULL);
    else
        finish(attach, g_error_copy(error));
}

static void on_attached(sd_bus_message *reply, const GError *call_error, gpointer data)
{
    Attach *attach = data;
    g_autoptr(GError) error = NULL;
    attach->call = sd_bus_slot_unref(attach->call);
    int fd = reply ? bus_reply_fd(reply, &error) : -1;
    if (fd >= 0)
        use_socket(attach, fd);
    else
        on_refused(attach, call_error ?: error);
}

static void begin_call(Attach *attach, const char *method, BusDone done)
{
    const RunInfo *info = attach->info;
    g_autoptr(GError) error = NULL;
    if (!bus_call_async(attach->ctl->bus, method, done, attach, &attach->call, &error, "sss",
                        info->project, info->story, info->agent))
        on_refused(attach, error);
}

static void on_found(sd_bus_message *reply, const GError *error, gpointer data)
{
    Attach *attach = data;
    g_autoptr(JsonNode) node = reply ? message_read_json(reply) : NULL;
    g_autoptr(RunInfo) info = node ? run_info_new(node) : NULL;
    attach->call = sd_bus_slot_unref(attach->call);
    if (error) {
        on_refused(attach, error);
        return;
    }
    attach->replaced = !info || !g_str_equal(info->run_id, attach->info->run_id);
    if (!attach->replaced) {
        run_info_free(attach->info);
        attach->info = g_steal_pointer(&info);
    }
    if (attach->replaced || !run_info_is_live(attach->info))
        finish(attach, NULL);
    else
        begin_call(attach, "Attach", on_attached);
}

/* The socket ends with the run, or with a service that is being restarted. */
static int on_retry(sd_event_source *source, guint64 usec, void *userdata)
{
    begin_call(userdata, "Get", on_found);
    return 0;
}

static int on_socket(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    Attach *attach = userdata;
    char bytes[CHUNK];
    if (events & EPOLLOUT)
        flush_typed(attach);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return 0;
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n > 0) {
        screen_modes_feed(&attach->modes, bytes, (gsize)n);
        if (!terminal_write(bytes, (gsize)n))
            finish(attach, NULL);
        return 0;
    }
    close_socket(attach);
    attach->lost_since = g_get_monotonic_time();
    retry_later(attach);
    return 0;
}

static int on_resized(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    send_size(userdata);
    return 0;
}

static int on_killed(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    Attach *attach = userdata;
    attach->detached = TRUE;
    finish(attach, NULL);
    return 0;
}

static void reset_screen(const Attach *attach)
{
    g_autofree char *undo = screen_modes_undo(&attach->modes);
    terminal_write(undo, strlen(undo));
}

/* Agents of every kind but raw print JSON, a line for a machine each. */
static gboolean speaks_json(Ctl *ctl, const RunInfo *info)
{
    g_autoptr(JsonNode) config = bus_ask_quickly(ctl->bus, "GetConfig", "s", info->project);
    JsonArray *agents = config && JSON_NODE_HOLDS_OBJECT(config)
                            ? json_get_array(json_node_get_object(config), "agents")
                            : NULL;
    for (guint i = 0; i < json_array_length(agents); i++) {
        JsonObject *agent = json_array_get_object(agents, i);
        if (g_strcmp0(json_get_string(agent, "name"), info->agent) == 0)
            return g_strcmp0(json_get_string(agent, "kind"), "raw") != 0;
    }
    return FALSE;
}

static void tell_state(Ctl *ctl, const RunInfo *info)
{
    if (run_info_flag(info, "frozen"))
        ctl_note(ctl, "It is frozen and reads nothing until `storkitctl thaw %s/%s`.", info->story,
                 info->agent);
    if (speaks_json(ctl, info))
        ctl_note(ctl, "It prints JSON; `storkitctl watch %s/%s` is easier to read.", info->story,
                 info->agent);
}

static gboolean attach_run(Attach *attach, GError **error)
{
    Ctl *ctl = attach->ctl;
    const RunInfo *info = attach->info;
    int fd = bus_call_fd(ctl->bus, "Attach", error, "sss", info->project, info->story, info->agent);
    if (fd < 0)
        return FALSE;
    ctl_note(ctl, "Attached to %s/%s; Ctrl-] detaches.", info->story, info->agent);
    followed_announce(ctl, info->run_id);
    tell_state(ctl, info);
    use_socket(attach, fd);
    terminal_signals_listen(&attach->signals, ctl->event, on_resized, on_killed, attach);
    (void)sd_event_add_io(ctl->event, &attach->keyboard, STDIN_FILENO, EPOLLIN, on_key, attach);
    if (!terminal_make_raw()) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED,
                            "cannot switch the terminal to raw mode");
        return FALSE;
    }
    gboolean ok = ctl_run_event(ctl, &attach->done, error);
    terminal_restore();
    reset_screen(attach);
    if (ok && attach->error)
        g_propagate_error(error, g_steal_pointer(&attach->error));
    g_clear_error(&attach->error);
    return ok && (!error || !*error);
}

static void attach_clear(Attach *attach)
{
    close_socket(attach);
    sd_event_source_disable_unref(attach->keyboard);
    sd_event_source_disable_unref(attach->timer);
    sd_event_source_disable_unref(attach->key_timer);
    sd_bus_slot_unref(attach->call);
    terminal_signals_clear(&attach->signals);
    g_byte_array_unref(attach->pending);
    g_clear_pointer(&attach->info, run_info_free);
}

static void tell_end(const Attach *attach)
{
    const RunInfo *info = attach->info;
    if (attach->detached) {
        ctl_note(attach->ctl, "\nDetached; %s/%s keeps running.", info->story, info->agent);
    } else if (attach->replaced) {
        ctl_note(attach->ctl, "\n%s/%s has ended, and a new run of it has started.", info->story,
                 info->agent);
    } else if (run_info_is_live(info)) {
        ctl_note(attach->ctl, "\n%s/%s was stopped.", info->story, info->agent);
    } else {
        g_autofree char *ending = run_info_ending(info);
        ctl_note(attach->ctl, "\n%s.", ending);
    }
}

static gboolean check_attachable(Ctl *ctl, const RunInfo *info, GError **error)
{
    if (!run_info_is_live(info)) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_REFUSED,
                    "%s/%s has ended: `storkitctl watch %s` shows what it did", info->story,
                    info->agent, info->story);
        return FALSE;
    }
    if (!ctl->json && isatty(STDIN_FILENO) && terminal_is_stdout())
        return TRUE;
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                        "attach needs a terminal: programs use `storkitctl watch --json` and "
                        "`storkitctl send --raw`");
    return FALSE;
}

static int attach_verb_run(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    Attach attach = {
        .ctl = ctl,
        .fd = -1,
        .info = select_run(ctl, arguments[0], error),
        .pending = g_byte_array_new(),
    };
    gboolean ok = attach.info && check_attachable(ctl, attach.info, error) &&
                  ctl_attach_event(ctl, error) && attach_run(&attach, error);
    if (ok)
        tell_end(&attach);
    attach_clear(&attach);
    return ok ? 0 : -1;
}

const Verb attach_verb = {
    .name = "attach",
    .synopsis = "[RUN]",
    .summary = "Use a run's terminal; Ctrl-] detaches",
    .arguments = ARGUMENT_RUN,
    .most = 1,
    .in_job = TRUE,
    .run = attach_verb_run,
};
