/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sinks/journal-writer.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/util.h"
#include "sinks/journal-relay.h"

/* One that needs longer is stopped, or systemd is. It is then left alone for as long. */
#define ANSWER_SECONDS 10

/* One that was killed is started anew by the second connection. */
#define ATTEMPTS 2

struct JournalWriter {
    struct sockaddr_un address;
    int relay;       /* -1: none */
    gint64 retry_at; /* monotonic: not to be asked before */
};

JournalWriter *journal_writer_new(void)
{
    JournalWriter *writer = g_new0(JournalWriter, 1);
    writer->relay = -1;
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

/* systemd accepts the connection before it has started anything. */
static gboolean ensure_relay(JournalWriter *writer)
{
    static const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    if (writer->relay >= 0)
        return TRUE;
    if (g_get_monotonic_time() < writer->retry_at)
        return FALSE;
    writer->relay = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (writer->relay < 0)
        return FALSE;
    setsockopt(writer->relay, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(writer->relay, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    const struct sockaddr *address = (const struct sockaddr *)&writer->address;
    if (connect(writer->relay, address, sizeof(writer->address)) < 0) {
        give_up(writer);
        return FALSE;
    }
    if (await_answer(writer))
        return TRUE;
    writer->retry_at = g_get_monotonic_time() + ANSWER_SECONDS * G_USEC_PER_SEC;
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
