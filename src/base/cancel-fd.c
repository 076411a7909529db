/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cancel-fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

static void on_cancelled(GCancellable *cancellable, gpointer data)
{
    const CancelFd *cancel = data;
    eventfd_write(cancel->fd, 1);
}

void cancel_fd_open(CancelFd *cancel, GCancellable *cancellable)
{
    *cancel = (CancelFd){.cancellable = cancellable, .fd = -1};
    if (cancellable)
        cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->fd >= 0)
        cancel->handler =
            g_cancellable_connect(cancellable, G_CALLBACK(on_cancelled), cancel, NULL);
}

void cancel_fd_close(CancelFd *cancel)
{
    if (cancel->fd < 0)
        return;
    g_cancellable_disconnect(cancel->cancellable, cancel->handler);
    close(cancel->fd);
    cancel->fd = -1;
}
