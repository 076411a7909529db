/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/record.h"
#include "shim/shim-util.h"

int input_open(Input *input, int folder)
{
    input->folder = folder;
    input->file = input->pipe = -1;
    input->fifo = record_open_fifo(folder, "input");
    return input->fifo < 0 ? input->fifo : 0;
}

static int open_pipe(Input *input, int folder)
{
    int ends[2];
    int file = open_at(folder, "stdin", O_RDONLY);
    if (file < 0 && file != -ENOENT)
        return file;
    input->file = file < 0 ? -1 : file;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    input->pipe = ends[1];
    fcntl(input->pipe, F_SETFL, O_NONBLOCK);
    return ends[0];
}

int input_open_stdin(Input *input, int folder, StdinKind kind, int slave)
{
    switch (kind) {
    case STDIN_FILE:
        return open_at(folder, "stdin", O_RDONLY);
    case STDIN_PIPE:
        return open_pipe(input, folder);
    case STDIN_TTY:
    default: {
        int copy = fcntl(slave, F_DUPFD_CLOEXEC, 0);
        return copy < 0 ? -errno : copy;
    }
    }
}

static bool in_hand(const Input *input)
{
    return input->start < input->end;
}

void input_close(Input *input)
{
    fd_clear(&input->pipe);
    fd_clear(&input->file);
    if (input->to_pipe)
        input->start = input->end;
}

/* Writes the record in hand; drops it once the agent has closed its end. */
static void write_out(Input *input, int master)
{
    while (in_hand(input)) {
        int fd = input->to_pipe ? input->pipe : master;
        ssize_t n = write(fd, input->buffer + input->start, input->end - input->start);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            input->start = input->end;
            input->broken |= input->to_pipe;
            if (input->to_pipe)
                input_close(input);
            return;
        }
        input->start += (size_t)n;
    }
}

static void take(Input *input, size_t length, bool to_pipe)
{
    input->start = 0;
    input->end = length;
    input->to_pipe = to_pipe;
}

static void take_from_file(Input *input)
{
    ssize_t n = read(input->file, input->buffer, sizeof input->buffer);
    if (n > 0)
        take(input, (size_t)n, true);
    else
        fd_clear(&input->file);
}

/* The number in the payload, in the buffer; 0: none. */
static uint64_t answer_number(const Input *input, size_t length)
{
    char digits[SHIM_ANSWER_MAX_DIGITS + 1] = "";
    if (length == 0 || length >= sizeof digits)
        return 0;
    memcpy(digits, input->buffer, length);
    return strspn(digits, "0123456789") == length ? strtoull(digits, NULL, 10) : 0;
}

/* False where it was given before, or can't be noted as given now. */
static bool note_answer(Input *input, uint64_t number)
{
    for (size_t i = 0; i < input->n_answered; i++)
        if (input->answered[i] == number)
            return false;
    uint64_t *grown = reallocarray(input->answered, input->n_answered + 1, sizeof *grown);
    if (!grown)
        return false;
    input->answered = grown;
    input->answered[input->n_answered++] = number;
    return true;
}

/* The next service tells us again of what it does not know to be given. */
static void take_answer(Input *input, size_t length)
{
    char name[sizeof SHIM_ANSWER_PREFIX + SHIM_ANSWER_MAX_DIGITS];
    uint64_t number = answer_number(input, length);
    if (number == 0 || input->pipe < 0)
        return;
    snprintf(name, sizeof name, SHIM_ANSWER_PREFIX "%llu", (unsigned long long)number);
    int file = open_at(input->folder, name, O_RDONLY);
    if (file < 0)
        complain("opening %s: %s", name, strerror(-file));
    else if (note_answer(input, number))
        input->file = file;
    else
        fd_clear(&file);
}

/* Not in the middle of a message: an agent that has not read all of the last one is not asked. */
bool input_cancel(Input *input)
{
    if (input->pipe < 0 || input->file >= 0 || (in_hand(input) && input->to_pipe))
        return false;
    int file = open_at(input->folder, SHIM_CANCEL, O_RDONLY);
    if (file < 0)
        return false;
    input->file = file;
    return true;
}

/* False where no record is there. */
static bool take_record(Input *input)
{
    struct ShimRecord head;
    if (!record_read(input->fifo, &head, input->buffer))
        return false;
    if (head.type == SHIM_INPUT_TERMINAL)
        take(input, head.length, false);
    else if (head.type == SHIM_INPUT_MESSAGE && input->pipe >= 0)
        take(input, head.length, true);
    else if (head.type == SHIM_INPUT_ANSWER)
        take_answer(input, head.length);
    else if (head.type == SHIM_INPUT_CLOSE)
        input_close(input);
    return true;
}

static void write_file(Input *input, int master)
{
    while (input->file >= 0 && !in_hand(input)) {
        take_from_file(input);
        write_out(input, master);
    }
}

void input_service(Input *input, int master)
{
    write_out(input, master);
    write_file(input, master);
    for (int i = 0; i < RECORDS_AT_ONCE && !in_hand(input); i++) {
        if (!take_record(input))
            return;
        write_out(input, master);
        write_file(input, master); /* an answer's */
    }
}

bool input_wants_pipe(const Input *input)
{
    return in_hand(input) ? input->to_pipe : input->file >= 0;
}

bool input_wants_master(const Input *input)
{
    return in_hand(input) && !input->to_pipe;
}

bool input_wants_fifo(const Input *input)
{
    return !in_hand(input) && input->file < 0;
}
