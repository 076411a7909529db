/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The yardstick for the shim: a loop that reads a PTY and throws the bytes away.
 *
 *   pty-throughput write MEGABYTES          lines of 300 bytes, to stdout
 *   pty-throughput discard PROGRAM [ARG…]   runs it in a PTY and reads; prints seconds
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE 300
#define LINES_AT_ONCE 50

static int write_lines(unsigned long megabytes)
{
    char lines[LINE * LINES_AT_ONCE];

    memset(lines, 'x', sizeof lines);
    for (size_t i = LINE - 1; i < sizeof lines; i += LINE)
        lines[i] = '\n';
    for (size_t left = megabytes * 1000000; left > 0;) {
        ssize_t n = write(STDOUT_FILENO, lines, left < sizeof lines ? left : sizeof lines);
        if (n < 0)
            return EXIT_FAILURE;
        left -= (size_t)n;
    }
    return EXIT_SUCCESS;
}

static void run_in(int slave, char **argv)
{
    if (fork() != 0)
        return;
    dup2(slave, STDOUT_FILENO);
    execvp(argv[0], argv);
    _exit(127);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int discard(char **argv)
{
    static char buffer[64 * 1024];

    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || unlockpt(master) < 0)
        return EXIT_FAILURE;
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    double begin = now();
    run_in(slave, argv);
    close(slave);
    while (read(master, buffer, sizeof buffer) > 0)
        ;
    wait(NULL);
    printf("%.3f\n", now() - begin);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return write_lines(strtoul(argv[2], NULL, 10));
    if (argc >= 3 && strcmp(argv[1], "discard") == 0)
        return discard(argv + 2);
    fprintf(stderr, "usage: %s write MEGABYTES | discard PROGRAM [ARG…]\n", argv[0]);
    return EXIT_FAILURE;
}
