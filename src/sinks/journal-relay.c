/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * storkit-journal: writes the entries that the service sends it into the journal. journald files an
 * entry under the unit of the process that wrote it, and nobody but root can name another one: this
 * process is there to be in a unit of its own, so that storkitd.service's log is what the service
 * says, and not what its agents say. systemd starts one for each connection to its socket, which it
 * gets as stdin.
 */

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "sinks/journal-relay.h"

static void write_entry(char *packet, size_t length)
{
    struct iovec fields[RELAY_FIELDS_MAX];
    int count = 0;
    for (char *at = packet, *end = packet + length; at < end; count++) {
        RelayLength size;
        if (count == RELAY_FIELDS_MAX || (size_t)(end - at) < sizeof(size))
            return;
        memcpy(&size, at, sizeof(size));
        at += sizeof(size);
        if (size > (size_t)(end - at))
            return;
        fields[count] = (struct iovec){at, size};
        at += size;
    }
    sd_journal_sendv(fields, count);
}

/* false: the service is gone. */
static bool answer(void)
{
    return send(STDIN_FILENO, "", 1, MSG_NOSIGNAL) == 1;
}

/* The length of the next packet in bytes; none is empty. 0: the service is gone. */
static size_t receive(char *packet, size_t size)
{
    ssize_t length;
    do
        length = recv(STDIN_FILENO, packet, size, 0);
    while (length < 0 && errno == EINTR);
    return length > 0 ? (size_t)length : 0;
}

int main(void)
{
    static char packet[RELAY_ENTRY_MAX];
    size_t length;
    while (answer() && (length = receive(packet, sizeof(packet))) > 0)
        write_entry(packet, length);
    return 0;
}
