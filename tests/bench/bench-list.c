/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How long a List takes until its reply is there:
 *
 *   bench-list TIMES
 *
 * Prints milliseconds, a line each. The values are not read: what that takes is the client's own,
 * and differs from library to library.
 */

#include "bench-client.h"

#include <stdio.h>
#include <stdlib.h>

static double list(sd_bus *bus)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply;
    double begin = client_now();
    int r = sd_bus_call_method(bus, NAME, OBJECT, NAME, "List", &error, &reply, "");
    double end = client_now();
    if (r < 0)
        client_fail(error.message ? error.message : "List", r);
    sd_bus_message_unref(reply);
    return end - begin;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s TIMES\n", argv[0]);
        return EXIT_FAILURE;
    }
    sd_bus *bus = client_connect();
    for (int left = atoi(argv[1]); left > 0; left--)
        printf("%.3f\n", list(bus) * 1000);
    sd_bus_unref(bus);
    return EXIT_SUCCESS;
}
