/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/name.h"

#include <errno.h>
#include <signal.h>

#include "base/bus-names.h"

/* The bus's replies to RequestName. */
#define NAME_IS_OURS 1
#define NAME_WAS_OURS 4

/* How long the name of a process that is gone is waited for, and looked at again. */
#define GONE_SECONDS 10
#define GONE_STEP_USEC (20 * G_TIME_SPAN_MILLISECOND)

static gboolean is_gone(sd_bus_creds *owner)
{
    pid_t pid;
    return sd_bus_creds_get_pid(owner, &pid) >= 0 && kill(pid, 0) < 0 && errno == ESRCH;
}

static gboolean owner_is_gone(sd_bus *bus)
{
    sd_bus_creds *owner = NULL;
    /* An error: there is no owner any more. */
    gboolean gone = sd_bus_get_name_creds(bus, STORKIT_BUS_NAME, SD_BUS_CREDS_PID, &owner) < 0 ||
                    is_gone(owner);
    sd_bus_creds_unref(owner);
    return gone;
}

int bus_name_take(sd_bus *bus)
{
    gint64 until = g_get_monotonic_time() + GONE_SECONDS * G_USEC_PER_SEC;
    gboolean told = FALSE;
    int r;
    while ((r = sd_bus_request_name(bus, STORKIT_BUS_NAME, SD_BUS_NAME_ALLOW_REPLACEMENT)) ==
               -EEXIST &&
           g_get_monotonic_time() < until && owner_is_gone(bus)) {
        if (!told)
            g_message("waiting for the bus to notice that the previous service is gone");
        told = TRUE;
        g_usleep(GONE_STEP_USEC);
    }
    return r;
}

int bus_name_read_reply(sd_bus_message *m)
{
    uint32_t answer = 0;
    if (sd_bus_message_is_method_error(m, NULL))
        return -sd_bus_message_get_errno(m);
    int r = sd_bus_message_read(m, "u", &answer);
    if (r < 0)
        return r;
    return answer == NAME_IS_OURS || answer == NAME_WAS_OURS ? 0 : -EEXIST;
}

char *bus_name_describe_error(int error)
{
    if (error == -EEXIST)
        return g_strdup("the bus name " STORKIT_BUS_NAME
                        " is taken: another storkitd runs on this bus");
    return g_strdup_printf("taking the bus name " STORKIT_BUS_NAME " on the session bus: %s",
                           g_strerror(-error));
}
