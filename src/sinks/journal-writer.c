/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sinks/journal-writer.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/util.h"
#include "sinks/journal-relay.h"

/* One that was killed is started anew by the second connection. */
#define ATTEMPTS 2

struct JournalWriter {
    struct sockaddr_un address;
    int relay; /* -1: none */
    guint start_msec;
    gint64 retry_at; /* monotonic: not to be asked before */
};

JournalWriter *journal_writer_new(guint start_msec)
{
    JournalWriter *writer = g_new0(JournalWriter, 1);
    writer->relay = -1;
    writer->start_msec = start_msec;
    writer->address.sun_family = AF_UNIX;
    /* As storkit-journal.socket has it. */
    g_snprintf(writer->address.sun_path, sizeof(writer->address.sun_path), "%s/storkit-journal",
               g_get_user_runtime_dir());
    return writer;
}

void journal_writer_free(JournalWriter *writer)
{
    if (!writer)
        return;
    fd_clear(&writer->relay);
    g_free(writer);
}

static gboolean await_answer(const JournalWriter *writer)
{
    char answer;
    ssize_t length;
    do
        length = recv(writer->relay, &answer, sizeof(answer), 0);
    while (length < 0 && errno == EINTR);
    return length == sizeof(answer);
}

static void give_up(JournalWriter *writer)
{
    fd_clear(&writer->relay);
}

/* 0: none. */
static void limit_wait(const JournalWriter *writer, guint msec)
{
    const struct timeval limit = {msec / 1000, (suseconds_t)(msec % 1000) * 1000};
    setsockopt(writer->relay, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(writer->relay, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* connect()'s too */
}

/* systemd accepts the connection before it has started anything. One that has greeted is waited
 * for: it is as slow as journald, and would write the entry after all if it were given up. */
static gboolean ensure_relay(JournalWriter *writer)
{
    if (writer->relay >= 0)
        return TRUE;
    if (g_get_monotonic_time() < writer->retry_at)
        return FALSE;
    writer->relay = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (writer->relay < 0)
        return FALSE;
    limit_wait(writer, writer->start_msec);
    const struct sockaddr *address = (const struct sockaddr *)&writer->address;
    if (connect(writer->relay, address, sizeof(writer->address)) < 0) {
        give_up(writer);
        return FALSE;
    }
    if (await_answer(writer)) {
        limit_wait(writer, 0);
        return TRUE;
    }
    writer->retry_at = g_get_monotonic_time() + (gint64)writer->start_msec * 1000;
    give_up(writer);
    return FALSE;
}

static gboolean send_by_relay(JournalWriter *writer, const struct iovec *fields, guint count)
{
    RelayLength lengths[RELAY_FIELDS_MAX];
    struct iovec parts[2 * RELAY_FIELDS_MAX];
    g_return_val_if_fail(count <= RELAY_FIELDS_MAX, FALSE);
    for (guint i = 0; i < count; i++) {
        lengths[i] = (RelayLength)fields[i].iov_len;
        parts[2 * i] = (struct iovec){&lengths[i], sizeof(lengths[i])};
        parts[2 * i + 1] = fields[i];
    }
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2 * count};
    if (sendmsg(writer->relay, &message, MSG_NOSIGNAL) >= 0 && await_answer(writer))
        return TRUE;
    give_up(writer);
    return FALSE;
}

void journal_writer_send(JournalWriter *writer, const struct iovec *fields, guint count)
{
    for (int i = 0; i < ATTEMPTS; i++)
        if (ensure_relay(writer) && send_by_relay(writer, fields, count))
            return;
    sd_journal_sendv(fields, (int)count);
}
