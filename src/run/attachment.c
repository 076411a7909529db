/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/attachment.h"

#include <string.h>
#include <sys/socket.h>

#include <glib-unix.h>

#include "base/error.h"
#include "run/replay.h"
#include "store/shim-client.h"
#include "store/shim-protocol.h"
#include "base/util.h"

/* How much of the past a new client gets: enough for a screen full of colours. */
#define SCROLLBACK (16u * 1024)

/* A client that has read nothing for this long while it is this far behind does not read. */
#define BEHIND_MAX (1024u * 1024)
#define PATIENCE_USEC (2 * G_USEC_PER_SEC)

#define CHUNK (32u * 1024)

struct Attachments {
    Runs *runs;
    GPtrArray *all; /* Attachment * */
};

typedef struct {
    Attachments *owner;
    Run *run;
    RunLog *log;
    int socket, fifo;
    GByteArray *replay; /* earlier output, which is sent first; NULL: done */
    gsize replayed;
    guint64 offset; /* in the transcript: the next byte to send after that */
    gboolean wants_room;
    gint64 full_since;                   /* monotonic: when the socket took no more; 0: it does */
    char typed[SHIM_RECORD_MAX_PAYLOAD]; /* read from the client, and not yet in the FIFO */
    gsize n_typed;
    gboolean input_ended;
    gboolean gone; /* the client is gone: its last input is still on its way into the FIFO */
    guint socket_source, fifo_source;
    GIOCondition condition; /* that socket_source waits for */
} Attachment;

/* The client's input must be read before our end is closed: otherwise it would see a connection
 * reset instead of the end. */
static void close_socket(Attachment *attachment)
{
    char rest[CHUNK];
    shutdown(attachment->socket, SHUT_RDWR);
    while (recv(attachment->socket, rest, sizeof(rest), MSG_DONTWAIT) > 0)
        ;
    fd_clear(&attachment->socket);
}

static void attachment_free(Attachment *attachment)
{
    g_clear_handle_id(&attachment->socket_source, g_source_remove);
    g_clear_handle_id(&attachment->fifo_source, g_source_remove);
    close_socket(attachment);
    fd_clear(&attachment->fifo);
    g_clear_pointer(&attachment->replay, g_byte_array_unref);
    run_log_unref(attachment->log);
    run_unref(attachment->run);
    g_free(attachment);
}

static void drop(Attachment *attachment)
{
    g_ptr_array_remove_fast(attachment->owner->all, attachment);
}

/* --- Output --- */

typedef enum {
    SEND_DONE,  /* nothing more now */
    SEND_AGAIN, /* a chunk is sent: there may be more */
    SEND_FULL,  /* the client has to read first */
    SEND_ENDED, /* the client is gone, or has all there will ever be */
} SendState;

static SendState send_bytes(Attachment *attachment, const void *bytes, gsize n, gsize *ret_sent)
{
    ssize_t sent = send(attachment->socket, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        return errno == EAGAIN ? SEND_FULL : SEND_ENDED;
    *ret_sent = (gsize)sent;
    attachment->full_since = 0;
    return SEND_AGAIN;
}

static SendState send_replay(Attachment *attachment)
{
    GByteArray *replay = attachment->replay;
    gsize sent = 0;
    SendState state = send_bytes(attachment, replay->data + attachment->replayed,
                                 replay->len - attachment->replayed, &sent);
    attachment->replayed += sent;
    if (attachment->replayed == replay->len)
        g_clear_pointer(&attachment->replay, g_byte_array_unref);
    return state;
}

static SendState send_chunk(Attachment *attachment)
{
    if (attachment->replay)
        return send_replay(attachment);
    char chunk[CHUNK];
    RunLogState state;
    run_log_get_state(attachment->log, &state);
    if (attachment->offset >= state.readable)
        return state.complete ? SEND_ENDED : SEND_DONE;

    guint64 left = state.readable - attachment->offset;
    ssize_t n =
        pread(state.transcript_fd, chunk, MIN(left, sizeof(chunk)), (off_t)attachment->offset);
    if (n <= 0)
        return SEND_ENDED;
    gsize sent = 0;
    SendState sending = send_bytes(attachment, chunk, (gsize)n, &sent);
    attachment->offset += sent;
    return sending;
}

/* Keeps what follows from a send; FALSE where nothing more can be sent. */
static gboolean note_sent(Attachment *attachment, SendState state)
{
    attachment->wants_room = state == SEND_AGAIN || state == SEND_FULL;
    if (state == SEND_FULL && attachment->full_since == 0)
        attachment->full_since = g_get_monotonic_time();
    return state != SEND_ENDED;
}

static gboolean does_not_read(const Attachment *attachment)
{
    RunLogState state;
    run_log_get_state(attachment->log, &state);
    return attachment->full_since != 0 && state.readable - attachment->offset > BEHIND_MAX &&
           g_get_monotonic_time() - attachment->full_since > PATIENCE_USEC;
}

/* --- Input --- */

static void watch(Attachment *attachment);

static gboolean on_fifo(int fd, GIOCondition condition, gpointer user_data);

/* One record's worth from the client to the FIFO. FALSE where there is nothing now, or no room: the
 * socket then fills up, and the client waits. */
static gboolean take_typed(Attachment *attachment)
{
    if (attachment->n_typed == 0) {
        ssize_t n =
            recv(attachment->socket, attachment->typed, sizeof(attachment->typed), MSG_DONTWAIT);
        attachment->input_ended = n == 0;
        if (n <= 0)
            return FALSE;
        attachment->n_typed = (gsize)n;
    }
    gssize n = shim_write_input(attachment->fifo, SHIM_INPUT_TERMINAL, attachment->typed,
                                attachment->n_typed);
    if (n < 0 && errno == EAGAIN) {
        if (attachment->fifo_source == 0)
            attachment->fifo_source =
                g_unix_fd_add(attachment->fifo, G_IO_OUT, on_fifo, attachment);
        return FALSE;
    }
    attachment->n_typed = 0;
    attachment->input_ended = n < 0; /* the shim is gone: its output may still be read */
    return n >= 0;
}

static gboolean has_all(Attachment *attachment)
{
    RunLogState state;
    run_log_get_state(attachment->log, &state);
    return state.complete;
}

/* The client is gone. All that it typed before still goes in, as the FIFO has room. */
static void leave(Attachment *attachment)
{
    attachment->gone = TRUE;
    g_clear_handle_id(&attachment->socket_source, g_source_remove);
    while (take_typed(attachment))
        ;
    if (attachment->fifo_source == 0 || has_all(attachment))
        drop(attachment);
}

static gboolean on_fifo(int fd, GIOCondition condition, gpointer user_data)
{
    Attachment *attachment = user_data;
    attachment->fifo_source = 0;
    if (attachment->gone) {
        leave(attachment);
        return G_SOURCE_REMOVE;
    }
    take_typed(attachment);
    watch(attachment);
    return G_SOURCE_REMOVE;
}

/* --- The socket --- */

/* One chunk each way a turn, so that others have theirs. */
static gboolean on_socket(int fd, GIOCondition condition, gpointer user_data)
{
    Attachment *attachment = user_data;
    gboolean gone = condition & (G_IO_HUP | G_IO_ERR);
    if (!gone && (condition & G_IO_IN))
        take_typed(attachment);
    if (!gone && (condition & G_IO_OUT))
        gone = !note_sent(attachment, send_chunk(attachment));
    if (gone) {
        leave(attachment);
        return G_SOURCE_REMOVE;
    }
    watch(attachment);
    return G_SOURCE_CONTINUE;
}

static void watch(Attachment *attachment)
{
    GIOCondition condition = G_IO_HUP | G_IO_ERR;
    if (attachment->wants_room)
        condition |= G_IO_OUT;
    if (attachment->n_typed == 0 && !attachment->input_ended)
        condition |= G_IO_IN;
    if (attachment->socket_source != 0 && condition == attachment->condition)
        return;
    g_clear_handle_id(&attachment->socket_source, g_source_remove);
    attachment->condition = condition;
    attachment->socket_source = g_unix_fd_add_full(G_PRIORITY_DEFAULT_IDLE, attachment->socket,
                                                   condition, on_socket, attachment, NULL);
}

static void send_more(Attachment *attachment)
{
    SendState state;
    do
        state = send_chunk(attachment);
    while (state == SEND_AGAIN);
    if (note_sent(attachment, state))
        watch(attachment);
    else
        leave(attachment);
}

static void follow(Attachment *attachment)
{
    if (attachment->gone ? has_all(attachment) : does_not_read(attachment))
        drop(attachment);
    else if (!attachment->gone && !attachment->wants_room)
        send_more(attachment);
}

static void heard(const RunNews *news, gpointer data)
{
    Attachments *attachments = data;
    if (news->kind != NEWS_OUTPUT)
        return;
    for (guint i = attachments->all->len; i > 0; i--) {
        Attachment *attachment = g_ptr_array_index(attachments->all, i - 1);
        if (attachment->run == news->run)
            follow(attachment);
    }
}

/* --- Attaching --- */

/* The last output, from a line's start, is sent without its queries; then the transcript. */
static void begin_with_scrollback(Attachment *attachment)
{
    char past[SCROLLBACK];
    RunLogState state;
    run_log_get_state(attachment->log, &state);
    guint64 offset = state.readable > SCROLLBACK ? state.readable - SCROLLBACK : 0;
    gsize wanted = (gsize)(state.readable - offset);
    ssize_t n = wanted > 0 ? pread(state.transcript_fd, past, wanted, (off_t)offset) : 0;
    const char *newline = n > 0 && offset > 0 ? memchr(past, '\n', (size_t)n) : NULL;
    gsize skipped = newline ? (gsize)(newline - past) + 1 : 0;

    attachment->offset = offset + (guint64)MAX(n, 0);
    if ((gsize)MAX(n, 0) > skipped)
        attachment->replay = replay_without_queries(past + skipped, (gsize)n - skipped);
    if (attachment->replay && attachment->replay->len == 0)
        g_clear_pointer(&attachment->replay, g_byte_array_unref);
}

int attachments_add(Attachments *attachments, Run *run, GError **error)
{
    if (!run_check_running(run, error))
        return -1;
    autofd fifo = shim_open_input(run_get_folder_fd(run), NULL);
    if (fifo < 0) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                    "the terminal of agent '%s' on story '%s' is closed: it has ended",
                    run_get_record(run)->agent, run_get_record(run)->story);
        return -1;
    }
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        set_errno_error(error, errno, "making a socket for the terminal");
        return -1;
    }
    Attachment *attachment = g_new0(Attachment, 1);
    attachment->owner = attachments;
    attachment->run = run_ref(run);
    attachment->log = run_log_ref(run_get_log(run));
    attachment->socket = ends[0];
    attachment->fifo = fd_steal(&fifo);
    begin_with_scrollback(attachment);
    attachment->wants_room = TRUE;
    g_ptr_array_add(attachments->all, attachment);
    watch(attachment);
    return ends[1];
}

/* --- Life and end --- */

Attachments *attachments_new(Runs *runs)
{
    Attachments *attachments = g_new0(Attachments, 1);
    attachments->runs = runs;
    attachments->all = g_ptr_array_new_with_free_func((GDestroyNotify)attachment_free);
    runs_add_listener(runs, heard, attachments);
    return attachments;
}

void attachments_free(Attachments *attachments)
{
    if (!attachments)
        return;
    runs_remove_listener(attachments->runs, attachments);
    g_ptr_array_unref(attachments->all);
    g_free(attachments);
}
