/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/follow.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl/events.h"
#include "ctl/info.h"
#include "ctl/json-path.h"
#include "ctl/message-json.h"

#define READ_SIZE (64 * 1024)
#define FIRST_DELAY_USEC (100 * G_TIME_SPAN_MILLISECOND)
#define LONGEST_DELAY_USEC (2 * G_TIME_SPAN_SECOND)
#define PATIENCE_USEC (60 * G_TIME_SPAN_SECOND)

struct Follow {
    Ctl *ctl;
    char *run_id;
    guint64 cursor; /* where the current subscription began */
    const FollowHandler *handler;
    gpointer data;

    int fd;
    sd_event_source *readable;
    GString *buffer; /* read and not yet a whole line */
    GString *last;   /* the last whole line: it has the cursor to continue from */

    sd_bus_slot *call;
    sd_event_source *timer;
    guint64 delay_usec; /* before the next attempt; 0: it goes well */
    gint64 lost_since;  /* monotonic; 0: it goes well */
    gint64 opened;      /* monotonic: when this subscription began */
    gboolean unlisted;  /* the service did not list the run when the last subscription ended */
};

static void subscribe(Follow *follow);

static void end(Follow *follow, const GError *error)
{
    follow->handler->end(follow, error, follow->data);
}

static int on_retry(sd_event_source *source, guint64 usec, void *userdata)
{
    subscribe(userdata);
    return 0;
}

static void note_progress(Follow *follow)
{
    follow->delay_usec = 0;
    follow->lost_since = 0;
    follow->unlisted = FALSE;
}

static gboolean is_patient(Follow *follow)
{
    if (follow->lost_since == 0)
        follow->lost_since = g_get_monotonic_time();
    return g_get_monotonic_time() - follow->lost_since < PATIENCE_USEC;
}

static void retry_later(Follow *follow)
{
    follow->delay_usec = CLAMP(follow->delay_usec * 2, FIRST_DELAY_USEC, LONGEST_DELAY_USEC);
    follow->timer = sd_event_source_unref(follow->timer);
    (void)sd_event_add_time_relative(follow->ctl->event, &follow->timer, CLOCK_MONOTONIC,
                                     follow->delay_usec, 0, on_retry, follow);
}

static void close_fd(Follow *follow)
{
    follow->readable = sd_event_source_disable_unref(follow->readable);
    if (follow->fd >= 0)
        close(follow->fd);
    follow->fd = -1;
}

static void go_on_or_give_up(Follow *follow)
{
    if (is_patient(follow)) {
        retry_later(follow);
        return;
    }
    g_autoptr(GError) error = g_error_new(
        CTL_ERROR, CTL_ERROR_LOST,
        "the service keeps closing the event stream of %s: `journalctl --user -u %s` may "
        "say why",
        follow->run_id, STORKIT_UNIT);
    end(follow, error);
}

/* An ended run's cursor is that of its last event. One that is not listed was stopped, and a
 * subscription that has begun since then would have had the event that says so. */
static gboolean is_over(Follow *follow, JsonNode *list)
{
    g_autoptr(GPtrArray) infos = run_info_list_from_json(list, NULL);
    for (guint i = 0; i < infos->len; i++) {
        const RunInfo *info = infos->pdata[i];
        if (g_str_equal(info->run_id, follow->run_id))
            return !run_info_is_live(info) && run_info_uint(info, "cursor", 0) <= follow->cursor;
    }
    gboolean was_unlisted = follow->unlisted;
    follow->unlisted = TRUE;
    return was_unlisted;
}

static void on_listed(sd_bus_message *reply, const GError *error, gpointer data)
{
    Follow *follow = data;
    follow->call = sd_bus_slot_unref(follow->call);
    g_autoptr(JsonNode) list = reply ? message_read_json(reply) : NULL;
    if (list && is_over(follow, list))
        end(follow, NULL);
    else
        go_on_or_give_up(follow);
}

/* Either the service has gone, or the run had ended at the cursor that was subscribed from. */
static void ask_whether_over(Follow *follow)
{
    if (!bus_call_async(follow->ctl->bus, "List", on_listed, follow, &follow->call, NULL, NULL))
        go_on_or_give_up(follow);
}

static void on_end_of_file(Follow *follow)
{
    g_autoptr(JsonObject) last = json_parse_object(follow->last->str, follow->last->len);
    close_fd(follow);
    g_string_truncate(follow->buffer, 0);
    if (last && event_is_last(last)) {
        end(follow, NULL);
        return;
    }
    if (last)
        follow->cursor = (guint64)json_get_int(last, "cursor");
    if (g_get_monotonic_time() - follow->opened > LONGEST_DELAY_USEC)
        note_progress(follow);
    ask_whether_over(follow);
}

static void take_lines(Follow *follow, gsize searched)
{
    GString *buffer = follow->buffer;
    gsize start = 0;
    const char *newline;
    while ((newline = memchr(buffer->str + searched, '\n', buffer->len - searched))) {
        gsize length = newline - (buffer->str + start);
        g_string_truncate(follow->last, 0);
        g_string_append_len(follow->last, buffer->str + start, (gssize)length);
        follow->handler->event(follow, follow->last->str, length, follow->data);
        start += length + 1;
        searched = start;
    }
    g_string_erase(buffer, 0, (gssize)start);
}

static int on_readable(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    Follow *follow = userdata;
    gsize had = follow->buffer->len;
    g_string_set_size(follow->buffer, had + READ_SIZE);
    ssize_t n = read(fd, follow->buffer->str + had, READ_SIZE);
    g_string_set_size(follow->buffer, had + (gsize)MAX(n, 0));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        on_end_of_file(follow);
        return 0;
    }
    note_progress(follow);
    take_lines(follow, had);
    return 0;
}

/* A service that was there and is gone is being restarted; one that never was is not installed. */
static gboolean may_come_back(Follow *follow, const GError *error)
{
    return g_error_matches(error, CTL_ERROR, CTL_ERROR_LOST) ||
           (follow->lost_since > 0 && g_error_matches(error, CTL_ERROR, CTL_ERROR_NO_SERVICE));
}

static void on_subscribed(sd_bus_message *reply, const GError *call_error, gpointer data)
{
    Follow *follow = data;
    g_autoptr(GError) error = NULL;
    follow->call = sd_bus_slot_unref(follow->call);
    if (may_come_back(follow, call_error) && is_patient(follow)) {
        retry_later(follow);
        return;
    }
    if (call_error) {
        end(follow, call_error);
        return;
    }
    follow->fd = bus_reply_fd(reply, &error);
    if (follow->fd < 0) {
        end(follow, error);
        return;
    }
    follow->opened = g_get_monotonic_time();
    (void)sd_event_add_io(follow->ctl->event, &follow->readable, follow->fd, EPOLLIN, on_readable,
                          follow);
}

static void subscribe(Follow *follow)
{
    g_autoptr(GError) error = NULL;
    if (!bus_call_async(follow->ctl->bus, "SubscribeRun", on_subscribed, follow, &follow->call,
                        &error, "st", follow->run_id, follow->cursor))
        end(follow, error);
}

static int on_start(sd_event_source *source, void *userdata)
{
    subscribe(userdata);
    return 0;
}

Follow *follow_new(Ctl *ctl, const char *run_id, guint64 cursor, const FollowHandler *handler,
                   gpointer data)
{
    Follow *follow = g_new(Follow, 1);
    *follow = (Follow){
        .ctl = ctl,
        .run_id = g_strdup(run_id),
        .cursor = cursor,
        .handler = handler,
        .data = data,
        .fd = -1,
        .buffer = g_string_new(NULL),
        .last = g_string_new(NULL),
    };
    /* From the loop, so that no handler is called before the caller knows its Follow. */
    (void)sd_event_add_defer(ctl->event, &follow->timer, on_start, follow);
    return follow;
}

void follow_free(Follow *follow)
{
    close_fd(follow);
    sd_event_source_disable_unref(follow->timer);
    sd_bus_slot_unref(follow->call);
    g_string_free(follow->buffer, TRUE);
    g_string_free(follow->last, TRUE);
    g_free(follow->run_id);
    g_free(follow);
}
