/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/process-watch.h"

#include <sys/epoll.h>

#include <glib-unix.h>

#include "base/util.h"

struct ProcessWatch {
    int pidfd;
    ProcessGone gone;
    gpointer data;
    gboolean in_common;
    guint source; /* its own, where the kernel takes no more into the common one */
};

/* There while there are watches in it. */
static struct {
    int epoll_fd;
    guint source;
    guint count;
} common = {.epoll_fd = -1};

static void tell(ProcessWatch *watch)
{
    ProcessGone gone = watch->gone;
    gpointer data = watch->data;
    process_watch_free(watch);
    gone(data);
}

/* One a turn: whoever is told may free other watches. */
static gboolean on_some_gone(int fd, GIOCondition condition, gpointer data)
{
    struct epoll_event event;
    if (epoll_wait(fd, &event, 1, 0) == 1)
        tell(event.data.ptr);
    return G_SOURCE_CONTINUE;
}

static gboolean on_gone(int fd, GIOCondition condition, gpointer data)
{
    ProcessWatch *watch = data;
    watch->source = 0;
    tell(watch);
    return G_SOURCE_REMOVE;
}

static void open_common(void)
{
    common.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (common.epoll_fd >= 0)
        common.source = g_unix_fd_add(common.epoll_fd, G_IO_IN, on_some_gone, NULL);
}

static void close_common(void)
{
    g_clear_handle_id(&common.source, g_source_remove);
    fd_clear(&common.epoll_fd);
}

static gboolean add_to_common(ProcessWatch *watch)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    if (common.epoll_fd < 0)
        open_common();
    if (epoll_ctl(common.epoll_fd, EPOLL_CTL_ADD, watch->pidfd, &event) < 0)
        return FALSE;
    common.count++;
    return TRUE;
}

static void remove_from_common(const ProcessWatch *watch)
{
    epoll_ctl(common.epoll_fd, EPOLL_CTL_DEL, watch->pidfd, NULL);
    if (--common.count == 0)
        close_common();
}

ProcessWatch *process_watch_new(int pidfd, ProcessGone gone, void *data)
{
    ProcessWatch *watch = g_new(ProcessWatch, 1);
    *watch = (ProcessWatch){.pidfd = pidfd, .gone = gone, .data = data};
    watch->in_common = add_to_common(watch);
    if (!watch->in_common)
        watch->source = g_unix_fd_add(pidfd, G_IO_IN, on_gone, watch);
    return watch;
}

void process_watch_free(ProcessWatch *watch)
{
    if (!watch)
        return;
    if (watch->in_common)
        remove_from_common(watch);
    g_clear_handle_id(&watch->source, g_source_remove);
    g_free(watch);
}
