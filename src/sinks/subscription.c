/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sinks/subscription.h"

#include <fcntl.h>

#include <glib-unix.h>

#include "transcript/event-json.h"
#include "transcript/reader.h"
#include "base/test-hooks.h"
#include "base/util.h"

/* How much is written in one go; each batch is of 64 KiB or one line. */
#define MAX_BATCHES 8

/* Takes one batch as JSON, so that a fast reader costs one wake-up for it and not four. All pipes
 * of a user together may have 64 MiB, by default, before the kernel makes new ones small. */
#define PIPE_BYTES (256 * 1024)

struct Subscriptions {
    Runs *runs;
    GPtrArray *all;   /* Subscription * */
    EventBatch *last; /* that one of them has decoded, or was handed: others may stand before it.
                         Of a log that one of them keeps alive */
};

typedef struct {
    Subscriptions *owner;
    Run *run;
    LogReader *reader;
    int fd;           /* write end, non-blocking */
    GBytes *bytes;    /* encoded, partly written */
    gsize written;    /* of bytes */
    const char *live; /* a status to tell of at the head, or NULL */
    guint source;     /* watches the fd: always for its reader's end, and for room while there is
                         something to write */
    gboolean wants_room;
} Subscription;

static void subscription_free(Subscription *subscription)
{
    g_clear_handle_id(&subscription->source, g_source_remove);
    g_clear_pointer(&subscription->bytes, g_bytes_unref);
    log_reader_free(subscription->reader);
    run_unref(subscription->run);
    fd_clear(&subscription->fd);
    g_free(subscription);
}

static void drop(Subscription *subscription)
{
    Subscriptions *subscriptions = subscription->owner;
    g_clear_pointer(&subscriptions->last, event_batch_unref);
    g_ptr_array_remove_fast(subscriptions->all, subscription);
}

static void share(Subscriptions *subscriptions, EventBatch *batch)
{
    g_clear_pointer(&subscriptions->last, event_batch_unref);
    subscriptions->last = event_batch_ref(batch);
}

static EventBatch *next_batch(Subscription *subscription)
{
    Subscriptions *subscriptions = subscription->owner;
    if (subscriptions->last && log_reader_take(subscription->reader, subscriptions->last))
        return event_batch_ref(subscriptions->last);
    EventBatch *batch = log_reader_decode(subscription->reader, NULL);
    if (batch)
        share(subscriptions, batch);
    return batch;
}

static GBytes *take_live(Subscription *subscription)
{
    GVariant *own_keys = run_status_details(subscription->run, subscription->live);
    g_autoptr(GVariant) details = own_keys ? g_variant_ref_sink(own_keys) : NULL;
    Event event =
        event_live_status(log_reader_cursor(subscription->reader), subscription->live, details);
    subscription->live = NULL;
    GString *text = g_string_new(NULL);
    event_append_json(text, run_log_identity(run_get_log(subscription->run)), &event, 0);
    g_string_append_c(text, '\n');
    return g_string_free_to_bytes(text);
}

/* Gets the next bytes to write: FALSE where there is nothing now. */
static gboolean fetch(Subscription *subscription)
{
    if (subscription->bytes)
        return TRUE;
    g_autoptr(EventBatch) batch = next_batch(subscription);
    if (batch)
        subscription->bytes = event_batch_ndjson(batch);
    else if (subscription->live && !log_reader_is_at_end(subscription->reader))
        subscription->bytes = take_live(subscription);
    else
        return FALSE;
    subscription->written = 0;
    return TRUE;
}

typedef enum {
    WRITE_DONE,  /* nothing more now */
    WRITE_AGAIN, /* one batch is written: there may be more */
    WRITE_FULL,  /* the client has to read first */
    WRITE_ENDED, /* the client is gone, or has all there will ever be */
} WriteState;

static WriteState write_some(Subscription *subscription)
{
    if (!fetch(subscription))
        return log_reader_is_at_end(subscription->reader) ? WRITE_ENDED : WRITE_DONE;

    gsize length;
    const char *bytes = g_bytes_get_data(subscription->bytes, &length);
    while (subscription->written < length) {
        ssize_t n =
            write(subscription->fd, bytes + subscription->written, length - subscription->written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? WRITE_FULL : WRITE_ENDED;
        subscription->written += (gsize)n;
    }
    g_clear_pointer(&subscription->bytes, g_bytes_unref);
    if (log_reader_is_at_end(subscription->reader))
        fault_point("last-line");
    return WRITE_AGAIN;
}

static void watch(Subscription *subscription, gboolean wants_room);

/* One batch a turn, so that a fast reader of a long transcript leaves the loop to others. */
static gboolean on_ready(int fd, GIOCondition condition, gpointer user_data)
{
    Subscription *subscription = user_data;
    WriteState state = condition & (G_IO_ERR | G_IO_HUP) ? WRITE_ENDED : write_some(subscription);
    if (state == WRITE_ENDED) {
        subscription->source = 0;
        drop(subscription);
        return G_SOURCE_REMOVE;
    }
    if (state != WRITE_DONE)
        return G_SOURCE_CONTINUE;
    subscription->source = 0;
    watch(subscription, FALSE);
    return G_SOURCE_REMOVE;
}

static void watch(Subscription *subscription, gboolean wants_room)
{
    g_clear_handle_id(&subscription->source, g_source_remove);
    subscription->wants_room = wants_room;
    subscription->source = g_unix_fd_add_full(G_PRIORITY_DEFAULT_IDLE, subscription->fd,
                                              G_IO_ERR | G_IO_HUP | (wants_room ? G_IO_OUT : 0),
                                              on_ready, subscription, NULL);
}

int subscriptions_add(Subscriptions *subscriptions, Run *run, guint64 cursor, GError **error)
{
    g_autoptr(RunLog) log = run_open_log(run, error);
    g_autoptr(LogReader) reader = log ? log_reader_new(log, cursor, error) : NULL;
    if (!reader)
        return -1;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        set_errno_error(error, errno, "making a pipe for the subscriber");
        return -1;
    }
    /* Only our end: the client's own reads may block. */
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* or it stays small */

    Subscription *subscription = g_new0(Subscription, 1);
    subscription->owner = subscriptions;
    subscription->run = run_ref(run);
    subscription->reader = g_steal_pointer(&reader);
    subscription->fd = ends[1];
    g_ptr_array_add(subscriptions->all, subscription);
    watch(subscription, TRUE);
    return ends[0];
}

/* Subscribers that are not at the head then continue in turns. */
static WriteState follow_head(Subscription *subscription)
{
    WriteState state = WRITE_AGAIN;
    for (guint i = 0; i < MAX_BATCHES && state == WRITE_AGAIN; i++)
        state = write_some(subscription);
    if (state == WRITE_FULL || state == WRITE_AGAIN)
        watch(subscription, TRUE);
    return state;
}

/* The log of @run has more to read: @batch comes next for a reader at its head, or NULL. */
static void wake(Subscriptions *subscriptions, Run *run, EventBatch *batch)
{
    for (guint i = subscriptions->all->len; i > 0; i--) {
        Subscription *subscription = g_ptr_array_index(subscriptions->all, i - 1);
        if (subscription->run != run || subscription->wants_room)
            continue;
        if (batch)
            share(subscriptions, batch);
        if (follow_head(subscription) == WRITE_ENDED)
            drop(subscription);
    }
}

/* Gives a status that is not an event of the log (`frozen`, ...) to everybody: those who are behind
 * get it when they reach the head, only the last one, and none that is over by then. @status is
 * static. */
static void send_live(Subscriptions *subscriptions, Run *run, const char *status)
{
    gboolean resumes = g_str_equal(status, "running");
    for (guint i = 0; run_get_log(run) && i < subscriptions->all->len; i++) {
        Subscription *subscription = g_ptr_array_index(subscriptions->all, i);
        if (subscription->run == run) /* a status that nobody has seen need not be revoked */
            subscription->live = resumes && subscription->live ? NULL : status;
    }
    if (run_get_log(run))
        wake(subscriptions, run, NULL);
}

guint subscriptions_count(const Subscriptions *subscriptions)
{
    return subscriptions->all->len;
}

/* --- Life and end --- */

static void heard(const RunNews *news, gpointer data)
{
    if (news->kind == NEWS_EVENTS)
        wake(data, news->run, news->batch);
    else if (news->kind == NEWS_NOTE)
        send_live(data, news->run, run_note_to_status(news->note));
}

Subscriptions *subscriptions_new(Runs *runs)
{
    Subscriptions *subscriptions = g_new0(Subscriptions, 1);
    subscriptions->runs = runs;
    subscriptions->all = g_ptr_array_new_with_free_func((GDestroyNotify)subscription_free);
    runs_add_listener(runs, heard, subscriptions);
    return subscriptions;
}

void subscriptions_free(Subscriptions *subscriptions)
{
    if (!subscriptions)
        return;
    runs_remove_listener(subscriptions->runs, subscriptions);
    g_ptr_array_unref(subscriptions->all);
    g_clear_pointer(&subscriptions->last, event_batch_unref);
    g_free(subscriptions);
}
