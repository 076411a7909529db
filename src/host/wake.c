/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/wake.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <glib-unix.h>
#include <systemd/sd-login.h>

#include "base/util.h"

struct Wake {
    Systemd *systemd;
    void (*due)(gpointer data);
    gpointer data;
    int fd; /* -1: the kernel gave none */
    guint source;
    guint64 time;
    char *unit; /* the timer unit that is set, or NULL */
};

/* --- The timer unit --- */

/* The unit that this process is the main process of as far as can be told, or NULL: one that was
 * started by hand is not started again. */
static char *own_service(void)
{
    const char *pid = g_getenv("SYSTEMD_EXEC_PID");
    char *unit = NULL;
    if (!pid || strtoll(pid, NULL, 10) != getpid() || sd_pid_get_user_unit(0, &unit) < 0)
        return NULL;
    char *copy = g_strdup(unit);
    free(unit);
    return copy;
}

/* Its name has the time: a service that comes back and sets the same finds it there. */
static void set_unit(Wake *wake, guint64 time)
{
    g_autofree char *service = time > 0 ? own_service() : NULL;
    guint64 seconds = (time + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
    g_autofree char *unit =
        service ? g_strdup_printf("storkit-wake-%" G_GUINT64_FORMAT ".timer", seconds) : NULL;
    if (g_strcmp0(unit, wake->unit) == 0)
        return;
    if (wake->unit)
        systemd_stop_unit(wake->systemd, wake->unit);
    g_free(wake->unit);
    wake->unit = g_steal_pointer(&unit);
    if (wake->unit)
        systemd_start_timer(wake->systemd, wake->unit, service, seconds);
}

/* --- The timer of this process --- */

static gboolean on_timer(int fd, GIOCondition condition, gpointer user_data)
{
    Wake *wake = user_data;
    guint64 expirations;
    if (read(fd, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
        return G_SOURCE_CONTINUE;
    wake->due(wake->data);
    return G_SOURCE_CONTINUE;
}

static void set_timer(Wake *wake, guint64 time)
{
    struct itimerspec spec = {
        .it_value.tv_sec = (time_t)(time / G_USEC_PER_SEC),
        .it_value.tv_nsec = (long)(time % G_USEC_PER_SEC) * 1000,
    };
    if (timerfd_settime(wake->fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
        g_warning("setting a timer: %s", g_strerror(errno));
}

void wake_set(Wake *wake, guint64 time)
{
    if (time == wake->time)
        return;
    wake->time = time;
    set_timer(wake, time);
    set_unit(wake, time);
}

/* --- Life and end --- */

Wake *wake_new(Systemd *systemd, void (*due)(gpointer data), gpointer data)
{
    Wake *wake = g_new0(Wake, 1);
    *wake = (Wake){.systemd = systemd, .due = due, .data = data};
    wake->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (wake->fd >= 0)
        wake->source = g_unix_fd_add(wake->fd, G_IO_IN, on_timer, wake);
    return wake;
}

void wake_free(Wake *wake)
{
    if (!wake)
        return;
    g_clear_handle_id(&wake->source, g_source_remove);
    fd_clear(&wake->fd);
    g_free(wake->unit);
    g_free(wake);
}
