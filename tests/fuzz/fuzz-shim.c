/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "shim/options.h"
#include "shim/record.h"

/*
 * Any bytes as the shim's command line, its words ended by NULs; and as what comes through one of
 * its FIFOs. The command line's errors go to stderr: run it with -close_fd_mask=2.
 */

#define MAX_WORDS 256

static void check_options(const Options *options)
{
    fuzz_check(options->argv && options->argv[0]);
    fuzz_check(options->cwd && options->rows > 0 && options->columns > 0);
    for (unsigned i = 0; i < options->n_setups; i++)
        fuzz_check(options->setups[i].directory && options->setups[i].command);
}

static void parse_words(const char *data, size_t size)
{
    char *words[MAX_WORDS + 2] = {(char *)"storkit-shim"};
    g_autofree char *copy = g_malloc(size + 1);
    unsigned n = 1;
    memcpy(copy, data, size);
    copy[size] = '\0';
    for (char *word = copy; word < copy + size && n <= MAX_WORDS; word += strlen(word) + 1)
        words[n++] = word;
    Options options = {0};
    if (!options_parse(&options, words))
        return;
    check_options(&options);
    free((void *)options.setups);
}

static void read_records(const uint8_t *data, size_t size)
{
    uint8_t payload[SHIM_RECORD_MAX_PAYLOAD];
    struct ShimRecord head;
    int fds[2];
    fuzz_check(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
    fuzz_check(write(fds[1], data, size) == (ssize_t)size);
    while (record_read(fds[0], &head, payload))
        fuzz_check(head.length <= sizeof payload);
    close(fds[0]);
    close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > PIPE_BUF)
        return 0;
    read_records(data, size);
    parse_words((const char *)data, size);
    return 0;
}
