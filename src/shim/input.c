/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/input.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "shim/record.h"
#include "shim/shim-util.h"

int input_open(Input *input, int folder)
{
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

static void close_pipe(Input *input)
{
    fd_clear(&input->pipe);
    fd_clear(&input->file);
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
                close_pipe(input);
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
    else if (head.type == SHIM_INPUT_CLOSE)
        close_pipe(input);
    return true;
}

void input_service(Input *input, int master)
{
    write_out(input, master);
    while (input->file >= 0 && !in_hand(input)) {
        take_from_file(input);
        write_out(input, master);
    }
    for (int i = 0; i < RECORDS_AT_ONCE && !in_hand(input); i++) {
        if (!take_record(input))
            return;
        write_out(input, master);
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
