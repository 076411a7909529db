/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench-client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void client_fail(const char *what, int r)
{
    fprintf(stderr, "%s: %s\n", what, strerror(-r));
    exit(EXIT_FAILURE);
}

sd_bus *client_connect(void)
{
    sd_bus *bus;
    int r = sd_bus_open_user(&bus);
    if (r < 0)
        client_fail("connecting to the session bus", r);
    return bus;
}

sd_bus_message *client_call(sd_bus *bus, const char *method, const char *project, const char *story)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply;
    int r = sd_bus_call_method(bus, NAME, OBJECT, NAME, method, &error, &reply, "sss", project,
                               story, "");
    if (r < 0)
        client_fail(error.message ? error.message : method, r);
    return reply;
}

double client_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
