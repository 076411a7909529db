/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The program that the bench starts in both ways: it says so with one byte, and ends.
 *
 *   first-byte FIFO
 */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_WRONLY | O_CLOEXEC) : -1;
    return fd >= 0 && write(fd, "x", 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
