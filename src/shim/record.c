/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/shim-util.h"

int record_open_fifo(int folder, const char *name)
{
    struct stat info;
    autofd fd = open_at(folder, name, O_RDWR | O_NONBLOCK);
    if (fd < 0)
        return fd;
    if (fstat(fd, &info) < 0 || !S_ISFIFO(info.st_mode))
        return -ENXIO;
    int fifo = fd;
    fd = -1;
    return fifo;
}

/* As much as a FIFO can hold: 1 MiB. */
#define READS_TO_DISCARD 260

/* The writer does not speak the protocol, and only an empty FIFO is in step again. One that is
 * filled faster than this is malformed the next time, too. */
static void discard_all(int fifo, uint8_t *scratch)
{
    static bool told;
    if (!told)
        complain("malformed record: discarding the contents of the FIFO");
    told = true;
    for (int i = 0; i < READS_TO_DISCARD; i++)
        if (read(fifo, scratch, SHIM_RECORD_MAX_PAYLOAD) <= 0)
            return;
}

bool record_read(int fifo, struct ShimRecord *ret_head, uint8_t *ret_payload)
{
    ssize_t n = read(fifo, ret_head, sizeof *ret_head);
    if (n <= 0)
        return false;
    /* A record is written at once, so its payload is there when its head is. */
    if (n != sizeof *ret_head || ret_head->length > SHIM_RECORD_MAX_PAYLOAD ||
        (ret_head->length > 0 && read(fifo, ret_payload, ret_head->length) != ret_head->length)) {
        discard_all(fifo, ret_payload);
        return false;
    }
    if (ret_head->version != SHIM_RECORD_VERSION)
        ret_head->type = RECORD_UNKNOWN;
    return true;
}
