/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "shim/shim-util.h"

/* A client's input must not come back as the agent's output, and a Ctrl-S typed by habit must not
 * halt the agent for good: nobody may be there to type Ctrl-Q. */
static int set_line_discipline(int slave)
{
    struct termios settings;
    if (tcgetattr(slave, &settings) < 0)
        return -errno;
    settings.c_lflag &= ~(tcflag_t)ECHO;
    settings.c_iflag &= ~(tcflag_t)IXON;
    return tcsetattr(slave, TCSANOW, &settings) < 0 ? -errno : 0;
}

int pty_open(Pty *ret_pty, uint16_t rows, uint16_t columns)
{
    autofd master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0 || unlockpt(master) < 0)
        return -errno;
    autofd slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return -errno;
    int r = set_line_discipline(slave);
    if (r < 0)
        return r;

    *ret_pty = (Pty){.master = master, .slave = slave};
    master = slave = -1;
    pty_resize(ret_pty, rows, columns);
    return 0;
}

void pty_resize(const Pty *pty, uint16_t rows, uint16_t columns)
{
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    ioctl(pty->master, TIOCSWINSZ, &size);
}

PtyState pty_read(int *fd, uint8_t *buffer, size_t size, size_t *ret_length)
{
    size_t length = 0;
    PtyState state = PTY_MORE;
    while (state == PTY_MORE && length < size) {
        ssize_t n = read(*fd, buffer + length, size - length);
        if (n > 0)
            length += (size_t)n;
        else if (n < 0 && errno == EAGAIN)
            state = PTY_EMPTY;
        else if (n == 0 || errno != EINTR)
            state = PTY_HUNG_UP;
    }
    if (state == PTY_HUNG_UP)
        fd_clear(fd);
    *ret_length = length;
    return state;
}
