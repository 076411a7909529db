/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "project/teardown.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "agents/environment.h"
#include "base/child-spawn.h"
#include "base/error.h"
#include "base/util.h"
#include "base/test-hooks.h"

/* Tests have no time to wait: their own is in the environment. */
#define LIMIT_MSEC 120000

/* How long a shell may take to die of SIGKILL. */
#define KILL_MSEC 2000

/* What an error shows of the output; no more of it is kept. */
#define TAIL_BYTES 600

/* Takes all that a pipe holds, and is an end where somebody else still writes to it. */
#define DRAIN_READS 8

/* One command: a shell that leads a session and process group of its own. */
typedef struct {
    const char *text;
    pid_t pid;
    int pidfd;
    int output; /* -1 once it has ended */
    char tail[TAIL_BYTES];
    gsize length;
    int status;
    gboolean timed_out;
} Command;

#define COMMAND_INIT                                                                               \
    {                                                                                              \
        .pidfd = -1, .output = -1                                                                  \
    }

static void command_clear(Command *command)
{
    fd_clear(&command->pidfd);
    fd_clear(&command->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Command, command_clear)

static guint limit_msec(void)
{
    return test_msec("STORKIT_TEARDOWN_MSEC", LIMIT_MSEC);
}

/* --- Its begin --- */

/* An errno, or 0. */
static int begin(Command *command, const char *folder, char *const *environment)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    autofd writing = ends[1];
    command->output = ends[0];
    if (fcntl(command->output, F_SETFL, O_NONBLOCK) < 0)
        return errno;

    const char *argv[] = {"/bin/sh", "-c", command->text, NULL};
    const int fds[][2] = {{writing, STDOUT_FILENO}, {writing, STDERR_FILENO}};
    SpawnPlan plan = {
        .argv = (char **)argv,
        .environment = environment,
        .folder = folder,
        .fds = fds,
        .n_fds = G_N_ELEMENTS(fds),
        .own_session = TRUE,
    };
    return spawn_process(&plan, &command->pid, &command->pidfd);
}

/* --- Its output --- */

static void keep_tail(Command *command, const char *bytes, gsize length)
{
    gsize added = MIN(length, TAIL_BYTES);
    gsize kept = MIN(command->length, TAIL_BYTES - added);
    memmove(command->tail, command->tail + command->length - kept, kept);
    memcpy(command->tail + kept, bytes + length - added, added);
    command->length = kept + added;
}

/* Whether there was something. */
static gboolean read_some(Command *command)
{
    char buffer[16 * 1024];
    ssize_t n = TEMP_FAILURE_RETRY(read(command->output, buffer, sizeof(buffer)));
    if (n > 0)
        keep_tail(command, buffer, (gsize)n);
    else if (n == 0 || errno != EAGAIN)
        fd_clear(&command->output);
    return n > 0;
}

static void read_rest(Command *command)
{
    for (guint i = 0; i < DRAIN_READS && read_some(command); i++)
        ;
}

/* The last lines as text, from the first whole character on. Caller frees. */
static char *get_tail(const Command *command)
{
    const char *tail = command->tail;
    gsize length = command->length;
    while (length > 0 && ((guchar)*tail & 0xc0) == 0x80) {
        tail++;
        length--;
    }
    return g_strchomp(g_utf8_make_valid(tail, (gssize)length));
}

/* --- Its end --- */

/* Waits for the shell, not for the end of the output: what the command left in the background may
 * keep that open for ever. FALSE when the time is over. */
static gboolean wait_for_shell(Command *command, guint msec)
{
    gint64 end = g_get_monotonic_time() + (gint64)msec * 1000;
    for (;;) {
        gint64 left = (end - g_get_monotonic_time() + 999) / 1000;
        if (left <= 0)
            return FALSE;
        struct pollfd fds[] = {{.fd = command->pidfd, .events = POLLIN},
                               {.fd = command->output, .events = POLLIN}};
        if (poll(fds, G_N_ELEMENTS(fds), (int)MIN(left, G_MAXINT)) < 0)
            continue;
        if (fds[1].revents)
            read_some(command);
        if (fds[0].revents)
            return TRUE;
    }
}

static void on_late_end(GPid pid, int status, gpointer unused)
{
}

/* Ends what is left of the group. The shell is unreaped until then, so that the group's number can
 * be nobody else's. */
static void end(Command *command)
{
    kill(-command->pid, SIGKILL);
    /* One that has become another user's (sudo) can't be killed: the main loop reaps it, some time,
     * and the repository does not wait for that. */
    if (command->timed_out && !wait_for_shell(command, KILL_MSEC))
        g_child_watch_add(command->pid, on_late_end, NULL);
    else
        (void)TEMP_FAILURE_RETRY(waitpid(command->pid, &command->status, 0));
    read_rest(command);
}

static char *describe_end(const Command *command)
{
    if (command->timed_out)
        return g_strdup_printf("it did not end in %.3g s", limit_msec() / 1000.0);
    if (WIFEXITED(command->status))
        return g_strdup_printf("exit status %d", WEXITSTATUS(command->status));
    return g_strdup_printf("killed by signal %d", WTERMSIG(command->status));
}

static gboolean check_end(const Command *command, GError **error)
{
    if (!command->timed_out && WIFEXITED(command->status) && WEXITSTATUS(command->status) == 0)
        return TRUE;
    g_autofree char *tail = get_tail(command);
    g_autofree char *status = describe_end(command);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED,
                "teardown command `%s` failed: %s (force removes the worktree all the same)%s%s",
                command->text, status, *tail ? "; its last lines:\n" : "", tail);
    return FALSE;
}

/* --- All of them --- */

static gboolean run_command(const char *folder, const char *text, char *const *environment,
                            GError **error)
{
    g_auto(Command) command = COMMAND_INIT;
    command.text = text;
    int r = begin(&command, folder, environment);
    if (r != 0) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED,
                    "teardown command `%s` can't be run in %s: %s (force removes the worktree all "
                    "the same)",
                    text, folder, g_strerror(r));
        return FALSE;
    }
    command.timed_out = !wait_for_shell(&command, limit_msec());
    end(&command);
    return check_end(&command, error);
}

gboolean teardown_run(const ProjectConfig *config, const char *path, char *const *environment,
                      GError **error)
{
    g_auto(GStrv) cleaned = environment_without_service(environment);
    for (guint i = 0; i < config->components->len; i++) {
        const ComponentConfig *component = g_ptr_array_index(config->components, i);
        g_autofree char *folder = g_build_filename(path, component->path, NULL);
        for (char **command = component->teardown; *command; command++)
            if (!run_command(folder, *command, cleaned, error))
                return FALSE;
    }
    return TRUE;
}
