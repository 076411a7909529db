/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/output.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "shim/shim-util.h"

/* An agent that writes half a line may wait for the terminal to take what it writes there. */
#define HOLD_TIME (1 * USEC_PER_SEC)

int output_open(Output *output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    output->fd = ends[0];
    fcntl(output->fd, F_SETFL, O_NONBLOCK);
    return ends[1];
}

bool output_breaks_line(const Output *output, const Transcript *transcript, bool piped)
{
    return piped != output->is_last && !transcript_on_fresh_line(transcript);
}

bool output_holds_terminal(const Output *output, const Transcript *transcript, uint64_t now)
{
    return output->fd >= 0 && output->is_last && !transcript_on_fresh_line(transcript) &&
           now < output->holds_until;
}

void output_note(Output *output, bool piped, uint64_t now)
{
    output->is_last = piped;
    output->holds_until = piped ? later(now, HOLD_TIME) : NEVER;
}
