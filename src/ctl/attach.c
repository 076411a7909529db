/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "info.h"
#include "select.h"
#include "terminal.h"
#include "verb.h"

/*
 * The agent's terminal as ours: bytes in both directions over one socket.
 */

#define DETACH_KEY 0x1D /* Ctrl-] */
#define CHUNK 4096
#define RETRY_USEC (200 * G_TIME_SPAN_MILLISECOND)
#define PATIENCE_USEC (30 * G_TIME_SPAN_SECOND)

/* What an agent's program may have left switched on: a hidden cursor, colours, the reporting of the
 * mouse, of focus and of pasted text; and the other screen, which must not be left without need
 * (that would move the cursor). */
#define TERMINAL_RESET                                                                             \
    "\033[?25h\033[0m\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?1004l\033[?2004l"
#define OTHER_SCREEN_ON "\033[?1049h"
#define OTHER_SCREEN_OFF "\033[?1049l"

typedef struct {
    Ctl *ctl;
    RunInfo *info;
    int fd;
    sd_event_source *socket, *keyboard, *signals[4], *timer;
    char pending[CHUNK]; /* typed, and not yet taken by the socket */
    gsize n_pending;
    gint64 lost_since; /* monotonic; 0: attached */
    gboolean other_screen, detached, done;
    GError *error;
} Attach;

static gboolean attach_socket(Attach *attach, GError **error);

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

static void listen_for(Attach *attach)
{
    gboolean full = attach->n_pending > 0;

    if (attach->socket)
        (void)sd_event_source_set_io_events(attach->socket, EPOLLIN | (full ? EPOLLOUT : 0));
    /* What is typed while the agent does not read waits in the terminal. */
    (void)sd_event_source_set_enabled(attach->keyboard, full ? SD_EVENT_OFF : SD_EVENT_ON);
}

static void flush_typed(Attach *attach)
{
    while (attach->fd >= 0 && attach->n_pending > 0) {
        ssize_t n = send(attach->fd, attach->pending, attach->n_pending, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break; /* full, or closed: the reading side sees that */
        attach->n_pending -= (gsize)n;
        memmove(attach->pending, attach->pending + n, attach->n_pending);
    }
    listen_for(attach);
}

static int on_key(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    Attach *attach = userdata;
    ssize_t n = read(fd, attach->pending, sizeof(attach->pending));
    const char *detach;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    attach->n_pending = n > 0 ? (gsize)n : 0;
    detach = memchr(attach->pending, DETACH_KEY, attach->n_pending);
    if (detach)
        attach->n_pending = detach - attach->pending;
    flush_typed(attach);
    if (detach || n <= 0) {
        attach->detached = TRUE;
        finish(attach, NULL);
    }
    return 0;
}

static gboolean is_live(Attach *attach, GError **error)
{
    const RunInfo *old = attach->info;
    RunInfo *info = run_info_get(attach->ctl->bus, old->project, old->story, old->agent, error);

    if (!info)
        return FALSE;
    gboolean same = g_str_equal(info->run_id, old->run_id);
    if (same) {
        run_info_free(attach->info);
        attach->info = info;
    } else {
        run_info_free(info);
    }
    return same && run_info_is_live(attach->info);
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
    return !error || g_error_matches(error, CTL_ERROR, CTL_ERROR_LOST) ||
           g_error_matches(error, CTL_ERROR, CTL_ERROR_REFUSED) ||
           g_error_matches(error, CTL_ERROR, CTL_ERROR_NO_SERVICE);
}

/* The socket ends with the run, or with a service that is being restarted. */
static int on_retry(sd_event_source *source, guint64 usec, void *userdata)
{
    Attach *attach = userdata;
    g_autoptr(GError) error = NULL;

    if (is_live(attach, &error) && attach_socket(attach, &error))
        return 0;
    if (!error && !run_info_is_live(attach->info)) {
        finish(attach, NULL);
        return 0;
    }
    if (may_come_back(attach, error))
        retry_later(attach);
    else if (g_error_matches(error, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN))
        finish(attach, NULL);
    else
        finish(attach, g_steal_pointer(&error));
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
        if (memmem(bytes, (gsize)n, OTHER_SCREEN_ON, strlen(OTHER_SCREEN_ON)))
            attach->other_screen = TRUE;
        if (!terminal_write(bytes, (gsize)n))
            finish(attach, NULL);
        return 0;
    }
    close_socket(attach);
    attach->lost_since = g_get_monotonic_time();
    retry_later(attach);
    return 0;
}

static gboolean attach_socket(Attach *attach, GError **error)
{
    const RunInfo *info = attach->info;

    attach->fd = bus_call_fd(attach->ctl->bus, "Attach", error, "sss", info->project, info->story,
                             info->agent);
    if (attach->fd < 0)
        return FALSE;
    (void)sd_event_add_io(attach->ctl->event, &attach->socket, attach->fd, EPOLLIN, on_socket,
                          attach);
    send_size(attach);
    return TRUE;
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

/* A terminal that stays raw would be the worst way to end: so signals end it the ordinary way. */
static void listen_for_signals(Attach *attach)
{
    static const int killers[] = {SIGINT, SIGTERM, SIGHUP};
    sd_event *event = attach->ctl->event;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    for (gsize i = 0; i < G_N_ELEMENTS(killers); i++)
        sigaddset(&set, killers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    (void)sd_event_add_signal(event, &attach->signals[0], SIGWINCH, on_resized, attach);
    for (gsize i = 0; i < G_N_ELEMENTS(killers); i++)
        (void)sd_event_add_signal(event, &attach->signals[i + 1], killers[i], on_killed, attach);
}

static void reset_screen(const Attach *attach)
{
    if (attach->other_screen)
        terminal_write(OTHER_SCREEN_OFF, strlen(OTHER_SCREEN_OFF));
    terminal_write(TERMINAL_RESET, strlen(TERMINAL_RESET));
}

static gboolean attach_run(Attach *attach, GError **error)
{
    if (!attach_socket(attach, error))
        return FALSE;
    listen_for_signals(attach);
    (void)sd_event_add_io(attach->ctl->event, &attach->keyboard, STDIN_FILENO, EPOLLIN, on_key,
                          attach);
    if (!terminal_make_raw()) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED, "can't make the terminal raw");
        return FALSE;
    }
    gboolean ok = ctl_run_event(attach->ctl, &attach->done, error);
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
    for (gsize i = 0; i < G_N_ELEMENTS(attach->signals); i++)
        sd_event_source_disable_unref(attach->signals[i]);
    g_clear_pointer(&attach->info, run_info_free);
}

static void tell_end(const Attach *attach)
{
    const RunInfo *info = attach->info;

    if (attach->detached) {
        ctl_note(attach->ctl, "\nDetached; %s/%s runs on.", info->story, info->agent);
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
                        "attach is for a person at a terminal: programs use `storkitctl watch "
                        "--json` and `storkitctl send --raw`");
    return FALSE;
}

static int attach_verb_run(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    Attach attach = {.ctl = ctl, .fd = -1, .info = select_run(ctl, arguments[0], error)};
    gboolean ok = attach.info && check_attachable(ctl, attach.info, error);

    if (ok) {
        ctl_note(ctl, "Attached to %s/%s; Ctrl-] detaches.", attach.info->story,
                 attach.info->agent);
        ok = ctl_attach_event(ctl, error) && attach_run(&attach, error);
    }
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
    .run = attach_verb_run,
};
