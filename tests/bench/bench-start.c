/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How long it takes until a program that is asked for executes:
 *
 *   bench-start pool FIFO PROJECT STORY          by Start, on a ready worktree
 *   bench-start command FIFO PROGRAM [ARG…]      by that command
 *
 * The program started in the end is first-byte, which writes to FIFO. Prints milliseconds.
 */

#include "bench-client.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Both ends, so that reading waits for a byte and never sees an end. */
static int open_fifo(const char *path)
{
    if (mkfifo(path, 0600) < 0 && errno != EEXIST)
        client_fail(path, -errno);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        client_fail(path, -errno);
    return fd;
}

static double await_byte(int fifo)
{
    char byte;
    ssize_t n = read(fifo, &byte, 1);
    if (n != 1)
        client_fail("reading the first byte", n < 0 ? -errno : -EIO);
    return client_now();
}

/* The connection is there already, as a desktop's is. */
static double start_by_pool(int fifo, const char *project, const char *story)
{
    sd_bus *bus = client_connect();
    double begin = client_now();
    int r = sd_bus_call_method_async(bus, NULL, NAME, OBJECT, NAME, "Start", NULL, NULL, "sss",
                                     project, story, "");
    if (r < 0 || (r = sd_bus_flush(bus)) < 0)
        client_fail("Start", r);
    double end = await_byte(fifo);
    sd_bus_message_unref(client_call(bus, "Wait", project, story));
    sd_bus_unref(bus);
    return end - begin;
}

static double start_by_command(int fifo, char **argv)
{
    pid_t pid;
    double begin = client_now();
    int r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (r != 0)
        client_fail(argv[0], -r);
    double end = await_byte(fifo);
    waitpid(pid, NULL, 0);
    return end - begin;
}

int main(int argc, char **argv)
{
    double seconds;
    if (argc == 5 && strcmp(argv[1], "pool") == 0) {
        seconds = start_by_pool(open_fifo(argv[2]), argv[3], argv[4]);
    } else if (argc >= 4 && strcmp(argv[1], "command") == 0) {
        seconds = start_by_command(open_fifo(argv[2]), argv + 3);
    } else {
        fprintf(stderr, "usage: %s pool FIFO PROJECT STORY | command FIFO PROGRAM [ARG…]\n",
                argv[0]);
        return EXIT_FAILURE;
    }
    printf("%.3f\n", seconds * 1000);
    return EXIT_SUCCESS;
}
