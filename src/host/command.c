/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/command.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cancel-fd.h"
#include "base/util.h"
#include "host/cell.h"

/* Reads all that a pipe holds, and stops even if a process outside the cell still writes. */
#define DRAIN_READS 64

typedef struct {
    Command *command;
    pid_t pid;
    int pidfd, out, err; /* -1: closed */
} Running;

/* --- Its output --- */

static void keep_tail(Command *command, const char *bytes, gsize length)
{
    gsize added = MIN(length, COMMAND_TAIL_BYTES);
    gsize kept = MIN(command->tail_length, COMMAND_TAIL_BYTES - added);
    memmove(command->tail, command->tail + command->tail_length - kept, kept);
    memcpy(command->tail + kept, bytes + length - added, added);
    command->tail_length = kept + added;
}

static void keep_output(Command *command, const char *bytes, gsize length)
{
    if (command->output->len + length > command->output_max)
        command->flooded = TRUE;
    else
        g_string_append_len(command->output, bytes, (gssize)length);
}

/* Whether there was something. */
static gboolean read_some(const Running *running, int *fd)
{
    char buffer[16 * 1024];
    ssize_t n = *fd < 0 ? 0 : TEMP_FAILURE_RETRY(read(*fd, buffer, sizeof buffer));
    if (n > 0 && fd == &running->out)
        keep_output(running->command, buffer, (gsize)n);
    else if (n > 0)
        keep_tail(running->command, buffer, (gsize)n);
    else if (n == 0 || errno != EAGAIN)
        fd_clear(fd);
    return n > 0;
}

static void read_rest(Running *running)
{
    for (guint i = 0; i < DRAIN_READS && read_some(running, &running->out); i++)
        ;
    for (guint i = 0; i < DRAIN_READS && read_some(running, &running->err); i++)
        ;
}

char *command_get_tail(const Command *command)
{
    const char *tail = command->tail;
    gsize length = command->tail_length;
    while (length > 0 && ((guchar)*tail & 0xc0) == 0x80) {
        tail++;
        length--;
    }
    return g_strchomp(g_utf8_make_valid(tail, (gssize)length));
}

/* --- Its run --- */

static int make_pipe(int *ret_reading, int *ret_writing)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    *ret_reading = ends[0];
    *ret_writing = ends[1];
    return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? errno : 0;
}

static int begin(Running *running, Cell *cell)
{
    const Command *command = running->command;
    autofd out = -1, err = -1;
    int r = make_pipe(&running->err, &err);
    if (r == 0 && command->output_max > 0)
        r = make_pipe(&running->out, &out);
    if (r != 0)
        return r;
    const int fds[][2] = {{out >= 0 ? out : err, STDOUT_FILENO}, {err, STDERR_FILENO}};
    const SpawnPlan plan = {
        .argv = command->argv,
        .environment = command->environment,
        .folder = command->folder,
        .fds = fds,
        .n_fds = G_N_ELEMENTS(fds),
    };
    return cell_spawn(cell, &plan, command->dies_with_thread, &running->pid, &running->pidfd);
}

/* Until its process has ended, or must: not until its output has, which a process that it has left
 * in the background keeps open as long as it likes. */
static void wait_for_end(Running *running)
{
    Command *command = running->command;
    gint64 end = g_get_monotonic_time() + (gint64)command->limit_msec * 1000;
    CancelFd cancel;
    cancel_fd_open(&cancel, command->cancellable);
    for (gboolean ended = FALSE; !ended && !command->flooded;) {
        gint64 left = (end - g_get_monotonic_time() + 999) / 1000;
        struct pollfd fds[] = {{running->pidfd, POLLIN, 0},
                               {running->out, POLLIN, 0},
                               {running->err, POLLIN, 0},
                               {cancel.fd, POLLIN, 0}};
        command->timed_out = left <= 0;
        if (command->timed_out || poll(fds, G_N_ELEMENTS(fds), (int)MIN(left, G_MAXINT)) < 0) {
            ended = command->timed_out;
            continue;
        }
        if (fds[1].revents)
            read_some(running, &running->out);
        if (fds[2].revents)
            read_some(running, &running->err);
        command->cancelled = fds[3].revents != 0;
        ended = command->cancelled || fds[0].revents;
    }
    cancel_fd_close(&cancel);
}

int command_run(Command *command)
{
    Running running = {.command = command, .pidfd = -1, .out = -1, .err = -1};
    g_autoptr(Cell) cell = cell_new();
    command->output = g_string_new(NULL);
    int r = begin(&running, cell);
    if (r == 0) {
        wait_for_end(&running);
        /* One that is stuck in the kernel is not waited for. */
        gboolean gone = cell_kill(cell);
        command->excess = cell_describe_excess(cell);
        read_rest(&running);
        waitpid(running.pid, &command->status, gone ? 0 : WNOHANG);
    }
    fd_clear(&running.pidfd);
    fd_clear(&running.out);
    fd_clear(&running.err);
    return r;
}

void command_clear(Command *command)
{
    if (command->output)
        g_string_free(command->output, TRUE);
    g_free(command->excess);
}
